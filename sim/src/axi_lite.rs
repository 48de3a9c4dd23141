//! A master for an AXI4-Lite slave of 32 bits.

use crate::{Instance, Pin, SimError};

/// Cycles after which a slave that does not answer is given up.
const PATIENCE: u64 = 1_000;

/// How many cycles the master lets pass before it does its part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// From the access's begin to `awvalid` or `arvalid`.
    pub address: u64,
    /// From the access's begin to `wvalid`.
    pub data: u64,
    /// From the response to `bready` or `rready`.
    pub response: u64,
}

/// What a slave answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// OKAY; with what was read, or zero after a write.
    Okay(u32),
    /// SLVERR.
    Refused,
}

/// A slave, by its pins, whose names begin alike. Accesses take place one at a time, and the streams
/// go on meanwhile.
///
/// Every cycle is a call of [`Instance::run`], so this is for registers, not for data.
pub struct AxiLite<'a> {
    instance: &'a mut Instance,
    prefix: String,
    /// The master's manners.
    pub delays: Delays,
}

/// A channel on which the master sends a beat.
struct Request {
    channel: &'static str,
    delay: u64,
    sent: bool,
}

impl Request {
    fn new(channel: &'static str, delay: u64) -> Self {
        let sent = false;
        Request {
            channel,
            delay,
            sent,
        }
    }
}

impl<'a> AxiLite<'a> {
    /// The slave with the pins `PREFIX_awvalid` and so on, which [`AxiLite::pins`] lists.
    pub fn new(instance: &'a mut Instance, prefix: &str) -> Self {
        AxiLite {
            instance,
            prefix: prefix.to_owned(),
            delays: Delays::default(),
        }
    }

    /// The pins of a slave, into the model and out of it, for a [`ModelSpec`](crate::ModelSpec).
    pub fn pins(prefix: &str, address_bits: usize) -> (Vec<Pin>, Vec<Pin>) {
        let pin = |(name, bits): (&str, usize)| Pin::new(format!("{prefix}_{name}"), bits);
        let inward = [
            ("awvalid", 1),
            ("awaddr", address_bits),
            ("awprot", 3),
            ("wvalid", 1),
            ("wdata", 32),
            ("wstrb", 4),
            ("bready", 1),
            ("arvalid", 1),
            ("araddr", address_bits),
            ("arprot", 3),
            ("rready", 1),
        ];
        let outward = [
            ("awready", 1),
            ("wready", 1),
            ("bvalid", 1),
            ("bresp", 2),
            ("arready", 1),
            ("rvalid", 1),
            ("rdata", 32),
            ("rresp", 2),
        ];
        (inward.map(pin).into(), outward.map(pin).into())
    }

    /// Writes those bytes of `data` whose bits in `strobe` are set.
    ///
    /// # Errors
    /// The model has no such pins, or answers never or too early.
    pub fn write(&mut self, address: u64, data: u32, strobe: u8) -> Result<Response, SimError> {
        self.poke("awaddr", address)?;
        self.poke("wdata", data.into())?;
        self.poke("wstrb", strobe.into())?;
        let requests = [
            Request::new("aw", self.delays.address),
            Request::new("w", self.delays.data),
        ];
        self.access(requests, "b", None)
    }

    /// Reads a word.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn read(&mut self, address: u64) -> Result<Response, SimError> {
        self.poke("araddr", address)?;
        let requests = [Request::new("ar", self.delays.address)];
        self.access(requests, "r", Some("rdata"))
    }

    fn access<const N: usize>(
        &mut self,
        mut requests: [Request; N],
        answer: &str,
        data: Option<&str>,
    ) -> Result<Response, SimError> {
        let mut waited = 0;
        for cycle in 0..PATIENCE {
            // Outputs are registers, so that what stands on the pins now is what the edge sees.
            for request in &mut requests {
                let Request { channel, delay, .. } = *request;
                let valid = !request.sent && cycle >= delay;
                self.poke(&format!("{channel}valid"), valid.into())?;
                let ready = self.peek(&format!("{channel}ready"))? != 0;
                request.sent |= valid && ready;
            }
            let answered = self.peek(&format!("{answer}valid"))? != 0;
            let ready = answered && waited >= self.delays.response;
            waited += u64::from(answered);
            self.poke(&format!("{answer}ready"), ready.into())?;
            let refused = self.peek(&format!("{answer}resp"))? != 0;
            let word = data.map_or(Ok(0), |pin| self.peek(pin))?;
            let asked = requests.iter().all(|request| request.sent);
            self.instance.run(1, None);
            if !ready {
                continue;
            }
            self.poke(&format!("{answer}ready"), 0)?;
            return match (asked, refused) {
                (false, _) => Err(self.fault("answered before it was asked")),
                (true, true) => Ok(Response::Refused),
                (true, false) => Ok(Response::Okay(word as u32)),
            };
        }
        Err(self.fault("does not answer"))
    }

    fn fault(&self, what: &'static str) -> SimError {
        SimError::Bus {
            bus: self.prefix.clone(),
            what,
        }
    }

    fn poke(&mut self, pin: &str, value: u64) -> Result<(), SimError> {
        self.instance.poke(&format!("{}_{pin}", self.prefix), value)
    }

    fn peek(&self, pin: &str) -> Result<u64, SimError> {
        self.instance.peek(&format!("{}_{pin}", self.prefix))
    }
}
