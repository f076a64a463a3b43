//! How a try fails.

use fedway_core::DnsError;
use hickory_proto::op::ResponseCode;

/// How a try failed, the least telling first
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    Unreachable,
    TimedOut,
    Malformed,
    ResponseCode(u16),
    Refused,
    ServFail,
}

impl From<ResponseCode> for Failure {
    fn from(code: ResponseCode) -> Self {
        if code == ResponseCode::ServFail {
            Self::ServFail
        } else if code == ResponseCode::Refused {
            Self::Refused
        } else {
            Self::ResponseCode(code.into())
        }
    }
}

impl From<Failure> for DnsError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::TimedOut => Self::TimedOut,
            Failure::Malformed => Self::Malformed,
            Failure::ResponseCode(code) => Self::ResponseCode(code),
            Failure::Refused => Self::Refused,
            Failure::ServFail => Self::ServFail,
        }
    }
}
