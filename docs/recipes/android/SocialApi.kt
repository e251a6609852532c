package com.example.app

import java.net.HttpURLConnection
import java.net.URL
import java.net.URLEncoder
import java.security.MessageDigest
import java.security.SecureRandom
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** A refusal by the API. [recovery] says what to offer to the user. */
class SocialException(val status: Int, val body: JSONObject) : Exception() {
    val code: String = body.optString("error_code", "unexpected_response")
    val recovery: String = body.optString("error_recovery", "retry_later")

    /** The messages for each field of a form. */
    val fields: Map<String, String> =
        body.keys().asSequence()
            .filter { body.get(it) is JSONArray && it != "non_field_errors" }
            .associateWith { body.getJSONArray(it).optString(0) }

    override val message: String =
        body.optJSONArray("non_field_errors")?.optString(0)
            ?: fields.values.firstOrNull()
            ?: body.optString("detail", "The sign-in has failed. Please try again.")
}

/** A login that the user finishes in the browser. */
class Begun(val authorizationUrl: String, val flow: String)

/** A completed login with a [token], or a paused login with [fields]. */
class LoginResult(val body: JSONObject) {
    val token: String? = if (body.has("token")) body.getString("token") else null
    val fields: JSONArray = body.optJSONArray("fields") ?: JSONArray()
}

/** A random value for an ID token. The SDK gets [sha256], and the API gets [value]. */
class Nonce {
    val value: String = toHex(ByteArray(32).also { SecureRandom().nextBytes(it) })
    val sha256: String =
        toHex(MessageDigest.getInstance("SHA-256").digest(value.toByteArray()))

    private fun toHex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }
}

object SocialApi {
    /** The URL at which the API includes the endpoints. */
    private const val BASE_URL = "https://api.example.com/auth/"

    /** Begin a login. Open its URL in the browser of the system. */
    suspend fun begin(provider: String, redirectUri: String): Begun {
        val query = "redirect_uri=" + URLEncoder.encode(redirectUri, "UTF-8")
        val body = send("GET", "o/$provider/?$query")
        return Begun(body.getString("authorization_url"), body.getString("flow"))
    }

    /** Complete a login with the parameters of the callback. */
    suspend fun complete(
        provider: String,
        flow: String,
        callback: Map<String, String>,
    ): LoginResult {
        val body = JSONObject(callback).put("flow", flow)
        return LoginResult(send("POST", "o/$provider/", body))
    }

    /** Continue a paused login with what the user has entered. */
    suspend fun resume(paused: LoginResult, values: Map<String, Any>): LoginResult {
        val provider = paused.body.getString("provider")
        val body = JSONObject(values)
            .put("partial_token", paused.body.getString("partial_token"))
            .put("flow", paused.body.getString("flow"))
        return LoginResult(send("POST", "o/$provider/", body))
    }

    /** Sign in with the tokens of an SDK. */
    suspend fun signInWithToken(provider: String, tokens: Map<String, String>): LoginResult =
        LoginResult(send("POST", "o/$provider/token/", JSONObject(tokens)))

    /** Return the signed-in user. */
    suspend fun currentUser(token: String): JSONObject = send("GET", "me/", token = token)

    /** End the login. */
    suspend fun logout(token: String) {
        send("POST", "logout/", token = token)
    }

    private suspend fun send(
        method: String,
        path: String,
        body: JSONObject? = null,
        token: String? = null,
    ): JSONObject = withContext(Dispatchers.IO) {
        val connection = URL(BASE_URL + path).openConnection() as HttpURLConnection
        try {
            connection.requestMethod = method
            if (token != null) connection.setRequestProperty("Authorization", "Token $token")
            if (body != null) {
                connection.doOutput = true
                connection.setRequestProperty("Content-Type", "application/json")
                connection.outputStream.use { it.write(body.toString().toByteArray()) }
            }
            val status = connection.responseCode
            val stream = if (status < 400) connection.inputStream else connection.errorStream
            val content = parse(stream?.bufferedReader()?.use { it.readText() } ?: "")
            if (status >= 400) throw SocialException(status, content)
            content
        } finally {
            connection.disconnect()
        }
    }

    /** Return the body. A proxy may have sent an error page in place of JSON. */
    private fun parse(text: String): JSONObject =
        try {
            JSONObject(text)
        } catch (exception: JSONException) {
            JSONObject()
        }
}
