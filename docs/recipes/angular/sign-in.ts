import { Component, inject, signal } from "@angular/core";
import { ActivatedRoute } from "@angular/router";
import type { SocialError } from "django-social-endpoints";

import { signIn, signOut } from "./session";
import { SocialLogin } from "./social-login";

/** The page at /login?next=…: a button for each provider, or the button that signs out. */
@Component({
  selector: "app-sign-in",
  template: `
    @if (login.isSignedIn()) {
      <button (click)="run(signOut())">Sign out</button>
    } @else if (login.providers.isLoading()) {
      <p role="status">Loading…</p>
    } @else if (login.providers.error(); as error) {
      <p role="alert">
        {{ error.message }} <button (click)="login.providers.reload()">Try again</button>
      </p>
    } @else {
      @for (provider of login.providers.value(); track provider.name) {
        @if (provider.capabilities.includes("redirect")) {
          <button (click)="run(signIn(provider, next))">
            @if (provider.icon) {
              <img [src]="provider.icon" alt="" />
            }
            {{ provider.title }}
          </button>
        }
      }
    }
    @if (problem(); as error) {
      <p role="alert">{{ error.message }}</p>
    }
  `,
})
export class SignIn {
  protected readonly next = inject(ActivatedRoute).snapshot.queryParamMap.get("next");
  protected readonly login = inject(SocialLogin);
  protected readonly signIn = signIn;
  protected readonly signOut = signOut;
  protected readonly problem = signal<SocialError | undefined>(undefined);

  protected run(request: Promise<unknown>) {
    request.catch((reason) => this.problem.set(reason));
  }
}
