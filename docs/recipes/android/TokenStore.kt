package com.example.app

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.Base64
import androidx.core.content.edit
import java.security.GeneralSecurityException
import java.security.KeyStore
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

private const val KEY_STORE = "AndroidKeyStore"
private const val ALIAS = "token"
private const val CIPHER = "AES/GCM/NoPadding"

/** The token of the signed-in user, encrypted with a key that never leaves the device. */
class TokenStore(context: Context) {
    private val preferences = context.getSharedPreferences("token", Context.MODE_PRIVATE)

    fun save(token: String) {
        val cipher = Cipher.getInstance(CIPHER).apply { init(Cipher.ENCRYPT_MODE, getKey()) }
        preferences.edit {
            putString("iv", encode(cipher.iv))
            putString("token", encode(cipher.doFinal(token.toByteArray())))
        }
    }

    fun read(): String? {
        val iv = preferences.getString("iv", null) ?: return null
        val token = preferences.getString("token", null) ?: return null
        return try {
            val cipher = Cipher.getInstance(CIPHER)
            cipher.init(Cipher.DECRYPT_MODE, getKey(), GCMParameterSpec(128, decode(iv)))
            String(cipher.doFinal(decode(token)))
        } catch (exception: GeneralSecurityException) {
            null // The key is gone, for example after a restored backup.
        }
    }

    fun delete() {
        preferences.edit { clear() }
    }

    private fun getKey(): SecretKey {
        val store = KeyStore.getInstance(KEY_STORE).apply { load(null) }
        (store.getKey(ALIAS, null) as? SecretKey)?.let { return it }
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val parameters = KeyGenParameterSpec.Builder(ALIAS, purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEY_STORE)
            .apply { init(parameters) }
            .generateKey()
    }

    private fun encode(bytes: ByteArray) = Base64.encodeToString(bytes, Base64.NO_WRAP)

    private fun decode(text: String) = Base64.decode(text, Base64.NO_WRAP)
}
