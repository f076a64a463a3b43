//! The names, the ways to their servers, and the world that has both.

use fedway_testkit::world::{Https, WorldPlan};

/// A server name, and what a reader of the specification who never errs does about it
pub(super) struct Way {
    pub(super) name: String,
    /// The step by which it is found
    pub(super) step: &'static str,
    /// The host that is asked for .well-known, if any
    pub(super) well_known: Option<String>,
    /// The SRV questions, in their order
    pub(super) services: Vec<String>,
    /// The host that is dialled at last, whose addresses are asked for unless that was done for .well-known
    pub(super) target: String,
    pub(super) port: u16,
    /// What its certificate is for, with a port what goes into `Host`
    pub(super) host: String,
    pub(super) host_header: String,
}

impl Way {
    /// 40 % .well-known → host:port, 20 % → host without SRV, 20 % no .well-known but SRV, 10 % neither, 10 % host:port
    pub(super) fn of(number: u16) -> Self {
        let own = format!("n{number}.example");
        let delegated = format!("m.{own}");
        let services = |host: &str| {
            let services = ["_matrix-fed", "_matrix"];
            services.map(|service| format!("{service}._tcp.{host}"))
        };
        let way = Self {
            name: own.clone(),
            step: "",
            well_known: Some(own.clone()),
            services: Vec::new(),
            target: own.clone(),
            port: 8448,
            host: own.clone(),
            host_header: own.clone(),
        };
        match number % 10 {
            0..=3 => Self {
                step: "3.2",
                target: delegated.clone(),
                port: 8449,
                host_header: format!("{delegated}:8449"),
                host: delegated,
                ..way
            },
            4 | 5 => Self {
                step: "3.5",
                services: services(&delegated).into(),
                target: delegated.clone(),
                host_header: delegated.clone(),
                host: delegated,
                ..way
            },
            6 | 7 => Self {
                step: "4",
                services: services(&own)[..1].into(),
                target: delegated,
                port: 8450,
                ..way
            },
            8 => Self {
                step: "6",
                services: services(&own).into(),
                ..way
            },
            _ => Self {
                step: "2",
                name: format!("{own}:8451"),
                well_known: None,
                port: 8451,
                host_header: format!("{own}:8451"),
                ..way
            },
        }
    }

    pub(super) fn plan(&self, number: u16, plan: &mut WorldPlan) {
        let web = format!("198.51.100.{}", number % SHARED);
        let matrix = format!("198.51.100.{}", SHARED + number % SHARED);
        let own = format!("n{number}.example");
        let is_own = self.target == own;
        // Where nobody delegates, one machine is both
        plan.a(&own, if is_own { &matrix } else { &web });
        if !is_own {
            plan.a(&self.target, &matrix);
        }
        if self.step == "4" {
            plan.srv(&self.services[0], 1, 1, self.port, &self.target);
        }
        if self.well_known.is_some() {
            let server = Https::for_name(&own);
            let server = match self.host == own {
                true => server,
                false => server.well_known(format!(r#"{{"m.server": "{}"}}"#, self.host_header)),
            };
            plan.https(
                &format!("{}:443", if is_own { &matrix } else { &web }),
                server,
            );
        }
        let at = format!("{matrix}:{}", self.port);
        plan.https(&at, Https::for_name(&self.host));
    }
}

/// How many are looked for
pub(super) const NAMES: u16 = 2_000;

/// Where the world seems to be (RFC 5737)
pub(super) const NET: &str = "198.51.100.0/24";

/// Addresses that the web servers share, and the homeservers as well: a world has a thread for each
const SHARED: u16 = 20;
