//! Which files may hold something else than text.

use crate::path::RepoPath;

/// Extensions of files that are not text, and that no system runs: images, fonts, sound, documents, archives, data.
///
/// Programs (`exe`, `dll`, `so`, `class`, `jar`, `pyc`, `wasm`, `node`) are left out on purpose: nobody can review one.
const EXTENSIONS: &[&str] = &[
    "7z", "avif", "bmp", "bz2", "db", "docx", "eot", "flac", "gif", "gz", "icns", "ico", "jpeg", "jpg", "m4a", "mo",
    "mov", "mp3", "mp4", "npy", "npz", "odp", "ods", "odt", "ogg", "otf", "parquet", "pdf", "png", "pptx", "sqlite",
    "tar", "tgz", "tif", "tiff", "ttf", "wav", "webm", "webp", "woff", "woff2", "xlsx", "xz", "zip", "zst",
];

/// Whether content is something else than text: not UTF-8, or with a zero byte.
pub fn is_binary(content: &[u8]) -> bool {
    content.contains(&0) || std::str::from_utf8(content).is_err()
}

/// Whether the extension says that a file is not text.
pub(super) fn may_be_binary(path: &RepoPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(stem, extension)| !stem.is_empty() && EXTENSIONS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_without_zeros() {
        assert!(!is_binary(b""));
        assert!(!is_binary("ünïcode\n\t\u{1b}[0m".as_bytes()));
        assert!(is_binary(b"a\0b"));
        assert!(is_binary(b"\xff\xfe"));
    }

    #[test]
    fn extensions_decide_and_programs_are_none() {
        for (path, expected) in [
            ("a.png", true),
            ("x/LOGO.PNG", true),
            ("a.tar.gz", true),
            ("a.exe", false),
            ("a.so", false),
            ("png", false),
        ] {
            assert_eq!(may_be_binary(&path.parse().unwrap()), expected, "{path}");
        }
        assert!(!may_be_binary(&"x/.png".parse().unwrap()));
        assert!(EXTENSIONS.is_sorted());
    }
}
