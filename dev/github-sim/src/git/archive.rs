//! Archives, with `export-ignore` and `export-subst` as `git archive` applies them.

use super::{Git, Result};
use crate::names::Sha;

impl Git {
    /// A gzip-compressed tar archive of a commit; every path begins with `prefix`, which ends in `/`.
    pub(crate) async fn tar_gz(&self, commit: &Sha, prefix: &str) -> Result<Vec<u8>> {
        let prefix = format!("--prefix={prefix}");
        self.run(&["archive", "--format=tar.gz", &prefix, commit.as_str()]).await
    }
}
