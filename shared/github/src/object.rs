//! Git's names of contents.

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// The name that Git gives to `content` as a blob, hexadecimal: SHA-1, or SHA-256 where `like` has 64 digits.
pub fn blob_id(content: &[u8], like: &str) -> String {
    let header = format!("blob {}\0", content.len());
    if like.len() == 64 {
        hex::encode(Sha256::new().chain_update(header).chain_update(content).finalize())
    } else {
        hex::encode(Sha1::new().chain_update(header).chain_update(content).finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_git_hash_object() {
        let sha1 = "0".repeat(40);
        assert_eq!(blob_id(b"", &sha1), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(blob_id(b"hello\n", &sha1), "ce013625030ba8dba906f756967f9e9ca394464a");
        let sha256 = "0".repeat(64);
        assert_eq!(blob_id(b"", &sha256), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
    }
}
