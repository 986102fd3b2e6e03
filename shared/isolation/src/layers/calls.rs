//! A filter of system calls: what no build and no test needs, and what reaches around the other layers.

use std::collections::BTreeMap;
use std::io;

use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, sock_filter,
};

/// Other processes, kernel keys, programs in the kernel, mounts, clocks, devices.
const FORBIDDEN: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_open_by_handle_at,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_syslog,
    libc::SYS_vhangup,
];

/// Programs have another way when these do not exist.
const ABSENT: &[i64] = &[
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Its flags lie in memory, where no filter can read them; libraries go back to `clone`.
    libc::SYS_clone3,
];

/// Namespaces that `clone` could make.
const NEW_NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Terminal requests that put words into somebody else's mouth.
const TERMINAL_REQUESTS: &[libc::Ioctl] = &[libc::TIOCSTI, libc::TIOCLINUX];

/// Requests that move content from one file to another without a new time of change: `EXT4_IOC_MOVE_EXT`, `XFS_IOC_SWAPEXT`
/// and `XFS_IOC_EXCHANGE_RANGE`. The lower half of a request is what it is; in the upper half is the size of its argument,
/// which differs from machine to machine.
const CONTENT_MOVES: &[u64] = &[0x660f, 0x586d, 0x5881];
const REQUEST_MASK: u64 = 0xffff;

const SOCKET_TYPE_MASK: u64 = 0xf;
const MPTCP: libc::c_int = 262;

/// Marks, inside this file only, the calls that go to the listener.
const TO_LISTENER: u32 = 0x7e57;
const SECCOMP_RET_TRACE: u32 = 0x7ff0_0000;
const SECCOMP_RET_USER_NOTIF: u32 = 0x7fc0_0000;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Installs the filters. `no_new_privs` must be set. Nothing after this may need what they forbid.
///
/// `network`: the network is the supervisor's own, so everything that could reach beyond loopback without `connect` is
/// forbidden too: datagrams, and data sent along with the first packet.
///
/// # Errors
/// The kernel has no filters.
pub fn apply(network: bool) -> io::Result<()> {
    install(absent(), libc::ENOSYS)?;
    install(families(network)?, libc::EAFNOSUPPORT)?;
    install(forbidden(network)?, libc::EPERM)
}

/// The filter by which `connect` waits for an answer of the listener.
///
/// # Errors
/// The machine is of an unknown kind.
pub fn listener_program() -> io::Result<Vec<sock_filter>> {
    let mut program = compile([(libc::SYS_connect, vec![])].into(), SeccompAction::Trace(TO_LISTENER))?;
    for instruction in &mut program {
        if instruction.k == SECCOMP_RET_TRACE | TO_LISTENER {
            instruction.k = SECCOMP_RET_USER_NOTIF;
        }
    }
    Ok(program)
}

fn absent() -> Rules {
    ABSENT.iter().map(|call| (*call, vec![])).collect()
}

fn forbidden(network: bool) -> io::Result<Rules> {
    let mut rules: Rules = FORBIDDEN.iter().map(|call| (*call, vec![])).collect();
    for flag in NEW_NAMESPACES {
        let bit = number(*flag);
        rules.entry(libc::SYS_clone).or_default().push(rule(&[(0, Qword, MaskedEq(bit), bit)])?);
    }
    for request in TERMINAL_REQUESTS {
        rules.entry(libc::SYS_ioctl).or_default().push(rule(&[(1, Dword, Eq, *request)])?);
    }
    for request in CONTENT_MOVES {
        rules.entry(libc::SYS_ioctl).or_default().push(rule(&[(1, Dword, MaskedEq(REQUEST_MASK), *request)])?);
    }
    if network {
        let flag = number(libc::MSG_FASTOPEN);
        for (call, argument) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
            rules.entry(call).or_default().push(rule(&[(argument, Dword, MaskedEq(flag), flag)])?);
        }
    }
    Ok(rules)
}

/// Sockets other than Unix ones, TCP and UDP.
fn families(network: bool) -> io::Result<Rules> {
    const INTERNET: [libc::c_int; 2] = [libc::AF_INET, libc::AF_INET6];
    let other = |family: libc::c_int| (0, Dword, Ne, number(family));
    let mut refused = vec![rule(&[other(libc::AF_UNIX), other(libc::AF_INET), other(libc::AF_INET6)])?];
    for family in INTERNET {
        let family = || (0, Dword, Eq, number(family));
        refused.push(rule(&[family(), (1, Dword, MaskedEq(SOCKET_TYPE_MASK), number(libc::SOCK_RAW))])?);
        let protocols = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP, MPTCP];
        let unknown = protocols.map(|protocol| (2, Dword, Ne, number(protocol)));
        refused.push(rule(&[&[family()][..], &unknown].concat())?);
        if network {
            refused.push(rule(&[family(), (1, Dword, MaskedEq(SOCKET_TYPE_MASK), number(libc::SOCK_DGRAM))])?);
        }
    }
    Ok([(libc::SYS_socket, refused)].into())
}

/// As the filter sees an argument.
fn number(value: libc::c_int) -> u64 {
    u64::from(value.cast_unsigned())
}

type Condition = (u8, SeccompCmpArgLen, SeccompCmpOp, u64);

fn rule(conditions: &[Condition]) -> io::Result<SeccompRule> {
    let conditions: Result<_, _> = conditions
        .iter()
        .map(|(index, len, op, value)| SeccompCondition::new(*index, len.clone(), op.clone(), *value))
        .collect();
    SeccompRule::new(conditions.map_err(io::Error::other)?).map_err(io::Error::other)
}

fn compile(rules: Rules, action: SeccompAction) -> io::Result<BpfProgram> {
    let machine: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, machine).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

fn install(rules: Rules, error: libc::c_int) -> io::Result<()> {
    let program = compile(rules, SeccompAction::Errno(error.cast_unsigned()))?;
    apply_filter(&program).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_connect_goes_to_the_listener() {
        for network in [true, false] {
            compile(families(network).unwrap(), SeccompAction::Errno(1)).unwrap();
            compile(forbidden(network).unwrap(), SeccompAction::Errno(1)).unwrap();
        }
        let program = listener_program().unwrap();
        let count = |answer: u32| program.iter().filter(|instruction| instruction.k == answer).count();
        assert_eq!((count(SECCOMP_RET_USER_NOTIF), count(SECCOMP_RET_TRACE | TO_LISTENER)), (1, 0));
    }
}
