const API = "https://api.example.com/auth/";

// A button calls it. With a serializer of JWTs in the body, `refresh` is the refresh token.
export async function signOut({ authorization, refresh }) {
  const response = await fetch(`${API}logout/`, {
    method: "POST",
    headers: { Authorization: authorization, "Content-Type": "application/json" },
    body: JSON.stringify(refresh ? { refresh } : {}),
  });
  // The login has ended before (401), or the server cannot end it (404): forget the token.
  if (!response.ok && ![401, 404].includes(response.status)) {
    const { detail, non_field_errors } = await response.json();
    throw new Error(detail ?? non_field_errors?.join(" ") ?? "Please try again.");
  }
  sessionStorage.clear();
}
