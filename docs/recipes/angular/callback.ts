import { Component, effect, inject } from "@angular/core";
import { Router, RouterLink } from "@angular/router";

import { inputType, valuesOf } from "./fields";
import { SocialLogin } from "./social-login";

/** The page at /login/callback. */
@Component({
  selector: "app-callback",
  imports: [RouterLink],
  template: `
    @if (login.paused(); as paused) {
      <form (submit)="submit($event)">
        @for (field of paused.fields; track field.name) {
          <label>
            {{ field.label }}
            @if (field.type === "boolean") {
              <input type="checkbox" [name]="field.name" />
            } @else if (field.choices) {
              <select
                [name]="field.name"
                [required]="field.required"
                [multiple]="field.type === 'multiple choice'"
              >
                @for (choice of field.choices; track choice.value) {
                  <option [value]="choice.value">
                    {{ choice.display_name }}
                  </option>
                }
              </select>
            } @else {
              <input [type]="inputType(field)" [name]="field.name" [required]="field.required" />
            }
            @for (text of login.error()?.fields?.[field.name]; track text) {
              <em>{{ text }}</em>
            }
          </label>
        }
        <button [disabled]="login.pending()">Continue</button>
      </form>
    } @else if (login.pending()) {
      <p role="status">Signing in…</p>
    } @else if (login.error(); as error) {
      <div role="alert">
        <p>{{ error.message }}</p>
        @if (error.recovery === "retry_later") {
          <button (click)="login.complete()">Try again</button>
        } @else {
          <a routerLink="/login">Back to sign-in</a>
        }
      </div>
    }
  `,
})
export class Callback {
  protected readonly login = inject(SocialLogin);
  protected readonly inputType = inputType;

  constructor() {
    const router = inject(Router);
    void this.login.complete();
    // It ends with the component: a user who has left this page stays where they are.
    effect(() => {
      const next = this.login.next();
      if (next !== null) void router.navigateByUrl(next, { replaceUrl: true });
    });
  }

  protected submit(event: SubmitEvent): void {
    event.preventDefault();
    const fields = this.login.paused()?.fields ?? [];
    void this.login.resume(valuesOf(new FormData(event.target as HTMLFormElement), fields));
  }
}
