import { useEffect, useState } from "react";
import type { CurrentUser } from "django-social-endpoints";
import { BrowserRouter, Link, Route, Routes } from "react-router";

import { Callback } from "./Callback";
import { useToken } from "./hooks";
import { social } from "./session";
import { SignIn } from "./SignIn";

export default function App() {
  return (
    <BrowserRouter>
      <Routes>
        <Route path="/" element={<Home />} />
        <Route path="/login" element={<SignIn />} />
        <Route path="/login/callback" element={<Callback />} />
      </Routes>
    </BrowserRouter>
  );
}

/** A page that shows who is signed in. */
function Home() {
  const token = useToken();
  const [user, setUser] = useState<CurrentUser | null>(null);

  useEffect(() => {
    social.currentUser().then(setUser, () => setUser(null));
  }, [token]);

  return (
    <>
      <h1>{user ? `Hello, ${user.name || user.username}` : "Hello"}</h1>
      <Link to="/login">{user ? "Account" : "Sign in"}</Link>
    </>
  );
}
