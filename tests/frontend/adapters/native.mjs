// The modules of Expo and of the SDKs that exist only on a device. The user allows everything.

import { createHash, randomUUID } from "node:crypto";

import { authorize } from "./environment.mjs";

export { randomUUID };

/** What the device does next. */
export const device = { closesBrowser: false, endsApp: false, initialURL: null, store: new Map() };

// expo-secure-store
export const getItem = (key) => device.store.get(key) ?? null;
export const getItemAsync = async (key) => getItem(key);
export function setItem(key, value) {
  if (!/^[\w.-]+$/.test(key)) throw new Error(`Invalid key: ${key}`);
  if (value.length > 2048) throw new Error("The value is too long.");
  device.store.set(key, value);
}
export const setItemAsync = async (key, value) => setItem(key, value);
export const deleteItemAsync = async (key) => void device.store.delete(key);

// expo-linking
export const createURL = (path) => `com.example.app://${path}`;
export const getInitialURL = async () => device.initialURL;

// expo-web-browser
export async function openAuthSessionAsync(url) {
  if (device.closesBrowser) return { type: "cancel" };
  if (device.endsApp) {
    device.initialURL = await authorize(url);
    return new Promise(() => {});
  }
  return { type: "success", url: await authorize(url) };
}

// expo-crypto
export const CryptoDigestAlgorithm = { SHA256: "sha256" };
export const digestStringAsync = async (algorithm, text) =>
  createHash(algorithm).update(text).digest("hex");

// expo-apple-authentication
export const AppleAuthenticationScope = { FULL_NAME: 0, EMAIL: 1 };
let fullName = { givenName: "Ada", familyName: "Lovelace" };
export async function signInAsync({ nonce }) {
  const query = new URLSearchParams({ nonce });
  const response = await fetch(`${process.env.PROVIDER}/apple?${query}`);
  const credential = { identityToken: await response.text(), fullName };
  fullName = { givenName: null, familyName: null };
  return credential;
}

// @react-native-google-signin/google-signin
export const GoogleSignin = {
  configure() {},
  hasPlayServices: async () => true,
  signIn: async () => ({ type: device.closesBrowser ? "cancelled" : "success" }),
  getTokens: async () => ({ accessToken: process.env.GOOGLE_TOKEN }),
};
