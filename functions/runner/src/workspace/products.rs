//! What setup made in a tree.

use std::fs;
use std::io;
use std::path::PathBuf;

use camino::Utf8Path;

use super::BaseTree;

/// Everything that the base commit has not, relative to the tree: the topmost folder where all of it is new.
///
/// # Errors
/// The tree cannot be read.
pub fn products(tree: &Utf8Path, base: &BaseTree) -> io::Result<Vec<PathBuf>> {
    below(tree, base, Utf8Path::new(""))
}

fn below(tree: &Utf8Path, base: &BaseTree, folder: &Utf8Path) -> io::Result<Vec<PathBuf>> {
    let mut products = Vec::new();
    for entry in fs::read_dir(tree.join(folder))? {
        let entry = entry?;
        let path = folder.as_std_path().join(entry.file_name());
        match path.to_str() {
            Some(text) if base.get(text).is_some() => {}
            Some(text) if base.has_below(text) && entry.file_type()?.is_dir() => {
                products.extend(below(tree, base, Utf8Path::new(text))?);
            }
            _ => products.push(path),
        }
    }
    Ok(products)
}
