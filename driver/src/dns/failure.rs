//! How a try fails.

use fedway_core::{DnsError, ExtendedError};
use hickory_proto::op::ResponseCode;

/// How a try failed, the least telling first: an answer of whatever kind tells more than none
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    Unreachable,
    TimedOut,
    OutOfResources,
    Malformed,
    Referral,
    ResponseCode(u16, Option<ExtendedError>),
    Refused(Option<ExtendedError>),
    ServFail(Option<ExtendedError>),
}

impl Failure {
    pub(super) fn of_code(code: ResponseCode, reason: Option<ExtendedError>) -> Self {
        if code == ResponseCode::ServFail {
            Self::ServFail(reason)
        } else if code == ResponseCode::Refused {
            Self::Refused(reason)
        } else {
            Self::ResponseCode(code.into(), reason)
        }
    }
}

impl From<Failure> for DnsError {
    fn from(failure: Failure) -> Self {
        let explained = |code: ResponseCode, reason| Self::Explained {
            code: code.into(),
            reason,
        };
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::TimedOut => Self::TimedOut,
            Failure::OutOfResources => Self::OutOfResources,
            Failure::Malformed => Self::Malformed,
            Failure::Referral => Self::Referral,
            Failure::ResponseCode(code, None) => Self::ResponseCode(code),
            Failure::ResponseCode(code, Some(reason)) => explained(code.into(), reason),
            Failure::Refused(None) => Self::Refused,
            Failure::Refused(Some(reason)) => explained(ResponseCode::Refused, reason),
            Failure::ServFail(None) => Self::ServFail,
            Failure::ServFail(Some(reason)) => explained(ResponseCode::ServFail, reason),
        }
    }
}
