//! How package managers learn about the door.

use std::fs;
use std::io;

use camino::Utf8Path;
use domain::packages::Ecosystem;

use super::tunnel::USER;

/// Environment variables for the mirrors that there are, and for tunnels.
pub(super) fn variables(key: &str, port: u16, ecosystems: &[Ecosystem], tunnels: bool) -> Vec<(&'static str, String)> {
    let here = format!("http://127.0.0.1:{port}/{key}");
    let mut variables = Vec::new();
    for ecosystem in ecosystems {
        match ecosystem {
            Ecosystem::Npm => variables.extend([
                ("npm_config_registry", format!("{here}/npm/")),
                // Lock files name the registry that they were made with.
                ("npm_config_replace_registry_host", "always".to_owned()),
                ("npm_config_audit", "false".to_owned()),
                ("npm_config_fund", "false".to_owned()),
                ("npm_config_update_notifier", "false".to_owned()),
                ("YARN_NPM_REGISTRY_SERVER", format!("{here}/npm")),
                ("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1".to_owned()),
            ]),
            Ecosystem::Pypi => variables.extend([
                ("PIP_INDEX_URL", format!("{here}/pypi/simple/")),
                ("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_owned()),
                ("UV_DEFAULT_INDEX", format!("{here}/pypi/simple/")),
            ]),
            // Cargo reads its registry's address from a file alone.
            Ecosystem::Cargo => {}
        }
    }
    if tunnels {
        let proxy = format!("http://{USER}:{key}@127.0.0.1:{port}");
        variables.extend([("HTTPS_PROXY", proxy.clone()), ("https_proxy", proxy)]);
        variables.extend(["NO_PROXY", "no_proxy"].map(|name| (name, "127.0.0.1,localhost".to_owned())));
    }
    variables
}

/// Files in HOME. They stay there: Cargo finds what it has fetched by the address that it came from.
pub(super) fn write(home: &Utf8Path, key: &str, port: u16, ecosystems: &[Ecosystem]) -> io::Result<()> {
    if !ecosystems.contains(&Ecosystem::Cargo) {
        return Ok(());
    }
    let folder = home.join(".cargo");
    fs::create_dir_all(&folder)?;
    let settings = format!(
        "[source.crates-io]\nreplace-with = \"mirror\"\n\n[source.mirror]\nregistry = \
         \"sparse+http://127.0.0.1:{port}/{key}/cargo/\"\n"
    );
    fs::write(folder.join("config.toml"), settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_is_told() {
        assert!(variables("k", 1, &[], false).is_empty());
        let names = |ecosystems: &[Ecosystem], tunnels| -> Vec<_> {
            variables("k", 1, ecosystems, tunnels).into_iter().map(|(name, _)| name).collect()
        };
        assert!(
            names(&[Ecosystem::Pypi], false).iter().all(|name| name.starts_with("PIP_") || name.starts_with("UV_"))
        );
        assert!(names(&[], true).contains(&"HTTPS_PROXY"));
        let folder = tempfile::tempdir().unwrap();
        let home = Utf8Path::from_path(folder.path()).unwrap();
        write(home, "k", 1, &[Ecosystem::Npm]).unwrap();
        assert!(!home.join(".cargo").exists());
        write(home, "k", 7, &[Ecosystem::Cargo]).unwrap();
        let settings: toml::Table = fs::read_to_string(home.join(".cargo/config.toml")).unwrap().parse().unwrap();
        assert_eq!(settings["source"]["mirror"]["registry"].as_str(), Some("sparse+http://127.0.0.1:7/k/cargo/"));
    }
}
