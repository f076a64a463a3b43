//! The three editions of the specification, as tables that the machine reads.
//!
//! The texts are those kept with the project: `draft-2019` is matrix-doc commit 0347e873 (2019-01-30),
//! `r0.1` is server-server r0.1.1 to v1.7, `v1.8` is v1.8 to v1.19.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// An edition of the specification's section "Resolving server names"
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[non_exhaustive]
pub enum Edition {
    /// The draft of January 2019: SRV before .well-known
    ///
    /// A port in a server name that is not an IP literal is not consulted: the text has no step for it
    /// (MSC1708, the proposal behind it, had one).
    #[serde(rename = "draft-2019")]
    Draft2019,
    /// Server-server r0.1.1 to v1.7
    #[serde(rename = "r0.1")]
    R0_1,
    /// v1.8 and later: the registered service name `_matrix-fed._tcp` before the deprecated `_matrix._tcp`
    #[default]
    #[serde(rename = "v1.8")]
    V1_8,
}

impl Edition {
    /// Every edition, oldest first
    pub const ALL: [Self; 3] = [Self::Draft2019, Self::R0_1, Self::V1_8];

    /// The name used on the command line and in recordings
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.rules().name
    }

    /// The table of this edition
    #[must_use]
    pub const fn rules(self) -> &'static Rules {
        match self {
            Self::Draft2019 => &DRAFT_2019,
            Self::R0_1 => &R0_1,
            Self::V1_8 => &V1_8,
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Edition {
    type Err = UnknownEdition;

    fn from_str(text: &str) -> Result<Self, UnknownEdition> {
        Self::ALL
            .into_iter()
            .find(|edition| edition.name() == text)
            .ok_or(UnknownEdition)
    }
}

/// The text names no [`Edition`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown edition, not one of draft-2019, r0.1, v1.8")]
pub struct UnknownEdition;

/// What one edition says, where the editions differ
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// The edition's name
    pub name: &'static str,
    /// What comes first once the name is known not to be an IP literal
    pub order: Order,
    /// Whether a port in a server name that is not an IP literal is used directly (step 2)
    pub explicit_port: bool,
    /// The SRV services, in the order they are asked for
    pub services: &'static [Service],
    /// Whether a 200 answer with an invalid body ends the search, instead of counting as any other error
    pub invalid_body_is_final: bool,
    /// Whether a `Host` header has the port of the (delegated) server name it comes from
    pub port_in_host_header: bool,
    /// How the text numbers its steps
    pub steps: Steps,
}

/// Whether SRV or .well-known is asked first
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// SRV, then .well-known, then the host itself on port 8448
    SrvFirst,
    /// .well-known, then SRV, then the host itself on port 8448
    WellKnownFirst,
}

/// An SRV service that an edition looks for
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Service {
    /// `_service._proto`, as in RFC 2782
    pub label: &'static str,
    /// Whether the edition marks it as deprecated
    pub deprecated: bool,
}

/// The numbers of an edition's steps; bullets without a number are counted in their order
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Steps {
    /// The server name is an IP literal
    pub literal: &'static str,
    /// The server name has a port; meaningless where [`Rules::explicit_port`] is false
    pub explicit_port: &'static str,
    /// The .well-known request
    pub well_known: &'static str,
    /// The delegated name is an IP literal
    pub delegated_literal: &'static str,
    /// The delegated name has a port
    pub delegated_port: &'static str,
    /// SRV of the delegated name, for each of [`Rules::services`]
    pub delegated_srv: &'static [&'static str],
    /// The delegated name itself on port 8448
    pub delegated_fallback: &'static str,
    /// SRV of the server name, for each of [`Rules::services`]
    pub srv: &'static [&'static str],
    /// The server name itself on port 8448
    pub fallback: &'static str,
}

/// The way that led to a destination
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// .well-known names a host: itself, on port 8448
    DelegatedFallback,
    /// .well-known names an IP literal
    DelegatedLiteral,
    /// .well-known names a host with a port
    DelegatedPort,
    /// .well-known names a host that has an SRV record, of the service with this index
    DelegatedSrv(u8),
    /// The server name has a port
    ExplicitPort,
    /// Nothing else was found: the server name itself, on port 8448
    Fallback,
    /// The server name is an IP literal
    Literal,
    /// The server name has an SRV record, of the service with this index
    Srv(u8),
}

impl Route {
    /// The number that `edition` gives this step, such as `3.2`
    #[must_use]
    pub fn step(self, edition: Edition) -> &'static str {
        let steps = &edition.rules().steps;
        // An index outside the edition's services has no number: the text has no such step
        let nth = |numbers: &'static [&'static str], index: u8| {
            numbers.get(usize::from(index)).copied().unwrap_or("")
        };
        match self {
            Self::DelegatedFallback => steps.delegated_fallback,
            Self::DelegatedLiteral => steps.delegated_literal,
            Self::DelegatedPort => steps.delegated_port,
            Self::DelegatedSrv(index) => nth(steps.delegated_srv, index),
            Self::ExplicitPort => steps.explicit_port,
            Self::Fallback => steps.fallback,
            Self::Literal => steps.literal,
            Self::Srv(index) => nth(steps.srv, index),
        }
    }
}

/// A step of the specification, where something is tried or a search ends
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On the way to a destination
    Route(Route),
    /// The .well-known request
    WellKnown,
}

impl Place {
    /// The number that `edition` gives this step, such as `3.2`
    #[must_use]
    pub fn number(self, edition: Edition) -> &'static str {
        match self {
            Self::Route(route) => route.step(edition),
            Self::WellKnown => edition.rules().steps.well_known,
        }
    }
}

impl From<Route> for Place {
    fn from(route: Route) -> Self {
        Self::Route(route)
    }
}

const DRAFT_2019: Rules = Rules {
    name: "draft-2019",
    order: Order::SrvFirst,
    explicit_port: false,
    services: &[Service {
        label: "_matrix._tcp",
        deprecated: false,
    }],
    invalid_body_is_final: true,
    port_in_host_header: false,
    steps: Steps {
        literal: "1",
        explicit_port: "",
        well_known: "3",
        delegated_literal: "3.1",
        delegated_port: "3.2",
        delegated_srv: &["3.3"],
        delegated_fallback: "3.3.1",
        srv: &["2"],
        fallback: "4",
    },
};

const R0_1: Rules = Rules {
    name: "r0.1",
    order: Order::WellKnownFirst,
    explicit_port: true,
    services: &[Service {
        label: "_matrix._tcp",
        deprecated: false,
    }],
    invalid_body_is_final: false,
    port_in_host_header: true,
    steps: Steps {
        literal: "1",
        explicit_port: "2",
        well_known: "3",
        delegated_literal: "3.1",
        delegated_port: "3.2",
        delegated_srv: &["3.3"],
        delegated_fallback: "3.4",
        srv: &["4"],
        fallback: "5",
    },
};

const V1_8: Rules = Rules {
    name: "v1.8",
    order: Order::WellKnownFirst,
    explicit_port: true,
    services: &[
        Service {
            label: "_matrix-fed._tcp",
            deprecated: false,
        },
        Service {
            label: "_matrix._tcp",
            deprecated: true,
        },
    ],
    invalid_body_is_final: false,
    port_in_host_header: true,
    steps: Steps {
        literal: "1",
        explicit_port: "2",
        well_known: "3",
        delegated_literal: "3.1",
        delegated_port: "3.2",
        delegated_srv: &["3.3", "3.4"],
        delegated_fallback: "3.5",
        srv: &["4", "5"],
        fallback: "6",
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_edition_parses_from_its_own_name_and_nothing_else_does() {
        for edition in Edition::ALL {
            assert_eq!(edition.to_string().parse(), Ok(edition));
        }
        assert_eq!("v1.9".parse::<Edition>(), Err(UnknownEdition));
    }

    #[test]
    fn every_service_of_an_edition_has_its_step_numbers() {
        for edition in Edition::ALL {
            let rules = edition.rules();
            assert_eq!(rules.steps.srv.len(), rules.services.len());
            assert_eq!(rules.steps.delegated_srv.len(), rules.services.len());
        }
    }
}
