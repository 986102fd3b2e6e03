/// Keys that are simply there.
#[derive(Debug)]
pub struct Keys(pub Vec<Vec<u8>>);

impl Keys {
    /// Each key.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}
