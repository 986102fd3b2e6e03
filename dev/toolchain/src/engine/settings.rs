//! What one engine is started with.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::EngineError;

/// The engine serves one region.
pub(super) const REGION: &str = "us-east-1";

/// What one engine is started with.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Where the engine keeps everything it writes. Made if it does not exist.
    pub folder: PathBuf,
    /// The account that everything belongs to, 12 digits.
    pub account_id: String,
    /// Canned results for state machine tests, in the format of AWS's own local tool.
    pub mock_config: Option<PathBuf>,
    /// Factor for the length of Wait states and of the pauses between retries. 1 is real time.
    pub wait_scale: f64,
    /// Keep resources over a restart in the same folder.
    pub persist: bool,
    /// How long to wait for the engine to answer after its start.
    pub ready_timeout: Duration,
}

impl EngineSettings {
    /// The usual settings, with everything kept under `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            account_id: "000000000000".to_owned(),
            mock_config: None,
            wait_scale: 1.0,
            persist: false,
            ready_timeout: Duration::from_mins(1),
        }
    }

    /// The whole environment of the engine. Lambda functions inherit it, so there is no
    /// credential in it and nothing of the caller's environment.
    pub(super) fn environment(&self, folder: &Path, port: u16) -> Vec<(&'static str, String)> {
        let path = |name: &str| folder.join(name).display().to_string();
        let mut environment = vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("HOME", folder.display().to_string()),
            ("TMPDIR", path("tmp")),
            ("STATE_DIR", path("state")),
            ("S3_DATA_DIR", path("s3")),
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("GATEWAY_PORT", port.to_string()),
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
            ("MINISTACK_ACCOUNT_ID", self.account_id.clone()),
            ("MINISTACK_REGION", REGION.to_owned()),
            ("MINISTACK_EDITION", edition(port, &folder.join("engine.log"))),
            // Permissions that the template does not grant are refused, as in AWS.
            ("AUTH", "true".to_owned()),
            // Further listeners, on every interface, for services that are not used.
            ("IOT_MTLS_ENABLED", "0".to_owned()),
            ("SFTP_ENABLED", "0".to_owned()),
            // Functions run as processes and containers as the stand-in for Fargate runs
            // them, also on a machine that has a container engine.
            ("LAMBDA_EXECUTOR", "local".to_owned()),
            ("DOCKER_HOST", format!("unix://{}", path("no-container-engine.sock"))),
            ("SFN_WAIT_SCALE", self.wait_scale.to_string()),
        ];
        if let Some(mock) = &self.mock_config {
            environment.push(("SFN_MOCK_CONFIG", mock.display().to_string()));
        }
        if self.persist {
            environment.push(("PERSIST_STATE", "1".to_owned()));
            environment.push(("S3_PERSIST", "1".to_owned()));
        }
        environment
    }
}

/// What the engine repeats in its health report, by which it is told from another's.
pub(super) fn edition(port: u16, log: &Path) -> String {
    format!("{port} {}", log.display())
}

/// Makes the folders and returns the whole path of the outer one.
pub(super) fn prepare_folders(folder: &Path) -> Result<PathBuf, EngineError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| EngineError::Folder { path, source }
    };
    for name in ["tmp", "state", "s3"] {
        let path = folder.join(name);
        fs::create_dir_all(&path).map_err(failed(&path))?;
    }
    folder.canonicalize().map_err(failed(folder))
}

/// Credentials of the account's root user on one engine.
#[derive(Clone, PartialEq, Eq)]
pub struct RootCredentials {
    /// The key id. Chosen at random for each engine: to know it is to be root.
    pub access_key_id: String,
    /// The secret, to sign with.
    pub secret_access_key: String,
}

impl RootCredentials {
    pub(super) fn random() -> Result<Self, EngineError> {
        let mut bytes = [0; 36];
        getrandom::fill(&mut bytes).map_err(|error| EngineError::NoRandom { reason: error.to_string() })?;
        let (id, secret) = bytes.split_at(16);
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let id: String = id.iter().map(|b| char::from(letters[usize::from(b % 32)])).collect();
        Ok(Self { access_key_id: format!("AKIA{id}"), secret_access_key: hex::encode(secret) })
    }
}

impl fmt::Debug for RootCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootCredentials(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_credentials_differ_and_are_not_printed() {
        let (a, b) = (RootCredentials::random().unwrap(), RootCredentials::random().unwrap());
        assert_ne!(a.access_key_id, b.access_key_id);
        assert_eq!(a.access_key_id.len(), 20);
        assert!(!format!("{a:?}").contains(&a.access_key_id));
    }

    #[test]
    fn the_environment_holds_no_credential() {
        let settings = EngineSettings::new("/stack");
        let environment = settings.environment(Path::new("/stack"), 4566);
        assert!(environment.iter().all(|(name, _)| !name.contains("KEY")));
        let keeps_to_its_folder = ["HOME", "TMPDIR", "STATE_DIR", "S3_DATA_DIR"];
        for name in keeps_to_its_folder {
            let value = &environment.iter().find(|(n, _)| *n == name).unwrap().1;
            assert!(value.starts_with("/stack"), "{name}={value}");
        }
    }
}
