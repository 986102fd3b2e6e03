//! Giving up every privilege.

use std::io;

use caps::{CapSet, CapsHashSet};
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use crate::policy::Identity;

/// Becomes the user, for good: no other groups, no capability in any set, none to be gained by any program.
///
/// # Errors
/// The kernel refuses; the caller must not go on.
pub fn become_user(identity: Option<Identity>) -> io::Result<()> {
    if identity.is_some() {
        for capability in caps::runtime::thread_all_supported() {
            if caps::has_cap(None, CapSet::Bounding, capability).map_err(io::Error::other)? {
                caps::drop(None, CapSet::Bounding, capability).map_err(io::Error::other)?;
            }
        }
    }
    if let Some(Identity { uid, gid }) = identity {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        setgroups(&[])?;
        setresgid(gid, gid, gid)?;
        setresuid(uid, uid, uid)?;
    }
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, &CapsHashSet::new()).map_err(io::Error::other)?;
    }
    prctl::set_no_new_privs()?;
    Ok(())
}
