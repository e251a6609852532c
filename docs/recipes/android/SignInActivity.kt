package com.example.app

import android.content.Intent
import android.os.Bundle
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.browser.customtabs.CustomTabsIntent
import androidx.core.content.edit
import androidx.core.net.toUri
import androidx.credentials.CredentialManager
import androidx.credentials.GetCredentialRequest
import androidx.credentials.exceptions.GetCredentialCancellationException
import androidx.lifecycle.lifecycleScope
import com.google.android.libraries.identity.googleid.GetSignInWithGoogleOption
import com.google.android.libraries.identity.googleid.GoogleIdTokenCredential
import kotlinx.coroutines.launch

/** It is in ALLOWED_REDIRECT_URIS and registered at each provider. */
private const val REDIRECT_URI = "com.example.app://login/callback"
private const val WEB_CLIENT_ID = "1234-web.apps.googleusercontent.com"

class SignInActivity : ComponentActivity() {
    private val message by lazy { TextView(this) }
    // Android may end the app while the browser is open, so the flow is stored.
    private val login by lazy { getSharedPreferences("login", MODE_PRIVATE) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val layout = LinearLayout(this).apply { orientation = LinearLayout.VERTICAL }
        layout.addView(button("Sign in with GitHub") { signInWithBrowser("github") })
        layout.addView(button("Sign in with Google") { signInWithGoogle() })
        layout.addView(message)
        setContentView(layout)
        complete(intent)
    }

    /** The browser returns to this activity with the URL of the callback. */
    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        complete(intent)
    }

    private suspend fun signInWithBrowser(provider: String) {
        val begun = SocialApi.begin(provider, REDIRECT_URI)
        login.edit(commit = true) {
            putString("provider", provider)
            putString("flow", begun.flow)
        }
        CustomTabsIntent.Builder().build().launchUrl(this, begun.authorizationUrl.toUri())
    }

    private fun complete(intent: Intent) {
        val callback = intent.data ?: return
        val provider = login.getString("provider", null) ?: return
        val flow = login.getString("flow", null) ?: return
        login.edit(commit = true) { clear() }
        val parameters = callback.queryParameterNames.associateWith {
            callback.getQueryParameter(it) ?: ""
        }
        start { show(SocialApi.complete(provider, flow, parameters)) }
    }

    private suspend fun signInWithGoogle() {
        val nonce = Nonce()
        val option = GetSignInWithGoogleOption.Builder(WEB_CLIENT_ID)
            .setNonce(nonce.sha256)
            .build()
        val request = GetCredentialRequest.Builder().addCredentialOption(option).build()
        val response = CredentialManager.create(this).getCredential(this, request)
        val credential = GoogleIdTokenCredential.createFrom(response.credential.data)
        val tokens = mapOf("id_token" to credential.idToken, "nonce" to nonce.value)
        show(SocialApi.signInWithToken("google-oauth2", tokens))
    }

    /** Store the token, or draw the form of a paused login. */
    private fun show(result: LoginResult) {
        val token = result.token
        if (token == null) {
            message.text = result.fields.toString()
        } else {
            TokenStore(this).save(token)
            message.text = "You are signed in."
        }
    }

    private fun button(text: String, action: suspend () -> Unit) =
        Button(this).apply {
            this.text = text
            setOnClickListener { start(action) }
        }

    /** Run an action, and show its error. Nothing happens if the user closes the dialog. */
    private fun start(action: suspend () -> Unit) {
        message.text = ""
        lifecycleScope.launch {
            try {
                action()
            } catch (exception: GetCredentialCancellationException) {
                message.text = ""
            } catch (exception: Exception) {
                message.text = exception.message
            }
        }
    }
}
