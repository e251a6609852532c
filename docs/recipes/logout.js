const API = "https://api.example.com/auth/";

// A button calls it: signOut({ authorization: `Token ${token}` }), or with JWTs
// signOut({ authorization: `Bearer ${access}`, refresh }).
export async function signOut({ authorization, refresh }) {
  const response = await fetch(`${API}logout/`, {
    method: "POST",
    headers: { Authorization: authorization, "Content-Type": "application/json" },
    body: JSON.stringify(refresh ? { refresh } : {}),
  });
  // 401: the login has ended before. 404: the server cannot end it. Remove the token.
  if (!response.ok && ![401, 404].includes(response.status)) {
    const { detail, non_field_errors } = await response.json();
    throw new Error(detail ?? non_field_errors?.join(" ") ?? "Please try again.");
  }
  sessionStorage.clear();
}
