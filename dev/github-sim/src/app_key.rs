//! A GitHub App's key pair, for whoever plays both sides: the simulator gets the public half, the client the private.

use anyhow::{Result, anyhow};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use secrecy::SecretString;

/// A key pair in PEM.
#[derive(Debug)]
pub struct AppKey {
    /// PKCS#8; for the client.
    pub private_pem: SecretString,
    /// SPKI; for [`crate::AppConfig`].
    pub public_pem: String,
}

impl AppKey {
    /// Makes a 2,048-bit RSA key pair, as GitHub does. Takes a moment: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the operating system has no random numbers to give.
    pub fn generate() -> Result<Self> {
        let failed = |_| anyhow!("an RSA key pair could not be made");
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
        let encode = |tag: &str, der: &[u8]| pem::encode(&pem::Pem::new(tag, der));
        Ok(Self {
            private_pem: encode("PRIVATE KEY", private.as_ref()).into(),
            public_pem: encode("PUBLIC KEY", public.as_ref()),
        })
    }
}
