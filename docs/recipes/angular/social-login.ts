import type { HttpInterceptorFn } from "@angular/common/http";
import { computed, DestroyRef, inject, Injectable, resource, signal } from "@angular/core";
import type { Field, SocialError } from "django-social-endpoints";

import { authorization, complete, getToken, resume, social, subscribe } from "./session";

const API = "https://api.example.com/";

interface Paused {
  partialToken: string;
  fields: Field[];
}

/** The login of the user, for components and guards. */
@Injectable({ providedIn: "root" })
export class SocialLogin {
  readonly #token = signal(getToken());

  readonly isSignedIn = computed(() => this.#token() !== null);
  readonly providers = resource({ loader: () => social.providers() });
  readonly pending = signal(false);
  readonly error = signal<SocialError | null>(null);
  readonly paused = signal<Paused | null>(null);
  /** The path to show after the login. */
  readonly next = signal<string | null>(null);

  constructor() {
    inject(DestroyRef).onDestroy(subscribe(() => this.#token.set(getToken())));
  }

  /** Finish the login whose callback is the URL of this page. */
  complete(): Promise<void> {
    this.paused.set(null);
    this.next.set(null);
    return this.#follow(complete());
  }

  /** Continue a paused login. */
  async resume(values: Record<string, unknown>): Promise<void> {
    const paused = this.paused();
    if (paused) await this.#follow(resume(paused.partialToken, values));
  }

  async #follow(request: ReturnType<typeof complete>): Promise<void> {
    this.pending.set(true);
    this.error.set(null);
    try {
      const result = await request;
      if (!("partial_token" in result)) {
        this.next.set(result.next ?? "/");
      } else if (result.partial_token && result.fields) {
        this.paused.set({ partialToken: result.partial_token, fields: result.fields });
      } else {
        location.assign(result.redirect_to ?? "/");
      }
    } catch (reason) {
      const error = reason as SocialError;
      // With field errors, the login is still paused, and the form stays.
      if (Object.keys(error.fields).length === 0) this.paused.set(null);
      this.error.set(error);
    } finally {
      this.pending.set(false);
    }
  }
}

/** Send the token with each request to the API, and with no other request. */
export const authorizationInterceptor: HttpInterceptorFn = (request, next) =>
  next(request.url.startsWith(API) ? request.clone({ setHeaders: authorization() }) : request);
