//! Made-up credentials.

use data_encoding::BASE64;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";
const URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Makes credentials up, always the same ones.
pub(crate) struct Forge(StdRng);

impl Forge {
    pub(crate) fn new() -> Self {
        Self(StdRng::seed_from_u64(1))
    }

    fn draw(&mut self, alphabet: &str, length: usize) -> String {
        let symbols: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| symbols[self.0.random_range(0..symbols.len())]).collect()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// A secret of the deployment, of no known form.
    pub(crate) fn unknown(&mut self) -> String {
        let length = self.0.random_range(24..64);
        self.draw(URL, length)
    }

    fn pem(&mut self, kind: &str, preamble: &str, length: usize) -> String {
        let body = format!("{preamble}{}", BASE64.encode(&self.bytes(length)));
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----", lines.join("\n"))
    }

    /// One credential of every form: the form's name, and the text to plant.
    pub(crate) fn one_of_each(&mut self) -> Vec<(&'static str, String)> {
        let jwt = |forge: &mut Self| {
            let claims = BASE64.encode(format!("{{\"iss\":\"{}\"}}", forge.draw("0123456789", 7)).as_bytes());
            format!("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.{}.{}", claims.trim_end_matches('='), forge.draw(URL, 342))
        };
        let app = self.draw("123456789", 6);
        vec![
            ("GitHub App token, first form", format!("ghs_{}", self.draw(LETTERS, 36))),
            ("GitHub App token, second form", format!("ghs_{app}_{}", jwt(self))),
            ("GitHub personal token", format!("ghp_{}", self.draw(LETTERS, 36))),
            ("GitHub OAuth token", format!("gho_{}", self.draw(LETTERS, 36))),
            ("GitHub user token", format!("ghu_{}", self.draw(LETTERS, 36))),
            ("GitHub fine-grained token", format!("github_pat_{}_{}", self.draw(LETTERS, 22), self.draw(LETTERS, 59))),
            ("AWS access key", format!("AKIA{}", self.draw(UPPER, 16))),
            ("AWS secret key", format!("aws_secret_access_key = {}", self.draw(LETTERS, 40))),
            ("Anthropic key", format!("sk-ant-api03-{}AA", self.draw(URL, 93))),
            ("OpenAI key", format!("sk-proj-{}T3BlbkFJ{}", self.draw(URL, 74), self.draw(URL, 74))),
            ("OpenAI key, older form", format!("sk-{}", self.draw(LETTERS, 48))),
            ("Google API key", format!("AIza{}", self.draw(URL, 35))),
            (
                "Slack bot token",
                format!(
                    "xoxb-{}-{}-{}",
                    self.draw("123456789", 12),
                    self.draw("123456789", 12),
                    self.draw(LETTERS, 24)
                ),
            ),
            (
                "Slack webhook",
                format!(
                    "https://hooks.slack.com/services/T{}/B{}/{}",
                    self.draw(UPPER, 8),
                    self.draw(UPPER, 8),
                    self.draw(LETTERS, 24)
                ),
            ),
            ("npm token", format!("npm_{}", self.draw(LETTERS, 36))),
            ("PyPI token", format!("pypi-AgEIcHlwaS5vcmc{}", self.draw(URL, 150))),
            ("crates.io token", format!("cio{}", self.draw(LETTERS, 32))),
            ("GitLab token", format!("glpat-{}", self.draw(URL, 20))),
            ("Stripe key", format!("sk_live_{}", self.draw(LETTERS, 24))),
            ("SendGrid key", format!("SG.{}.{}", self.draw(URL, 22), self.draw(URL, 43))),
            ("Shopify token", format!("shpat_{}", self.draw(HEX, 32))),
            ("DigitalOcean token", format!("dop_v1_{}", self.draw(HEX, 64))),
            ("webhook signing key", format!("whsec_{}", BASE64.encode(&self.bytes(32)))),
            ("RSA private key", self.pem("RSA PRIVATE KEY", "MIIEowIBAAKCAQEA", 1170)),
            ("PKCS#8 private key", self.pem("PRIVATE KEY", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ", 1180)),
            ("OpenSSH private key", self.pem("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ", 360)),
            ("EC private key", self.pem("EC PRIVATE KEY", "MHcCAQEEI", 112)),
            ("age key", format!("AGE-SECRET-KEY-1{}", self.draw("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58))),
        ]
    }
}
