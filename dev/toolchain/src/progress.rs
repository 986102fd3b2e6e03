//! How an installation tells of itself.

use std::time::Duration;

use crate::component::Component;

/// Is told what an installation does. Components are installed at the same time, so calls
/// come from several threads.
pub trait Progress: Sync {
    /// The installation begins.
    fn started(&self, component: Component);
    /// Another process installs the same component; this one waits for it.
    fn waiting(&self, component: Component);
    /// A line of output of the installer at work.
    fn line(&self, component: Component, line: &str);
    /// The installation is complete.
    fn finished(&self, component: Component, took: Duration);
    /// The installation failed; the error follows as the result of the call.
    fn failed(&self, component: Component);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: Component) {}
    fn waiting(&self, _: Component) {}
    fn line(&self, _: Component, _: &str) {}
    fn finished(&self, _: Component, _: Duration) {}
    fn failed(&self, _: Component) {}
}
