//! Which lanes for which device: cycles against multipliers and block RAMs.
//!
//! A [`Subject`] is a layer, each time on an engine of its own, or a network on one programmable engine. Of all lanes that
//! could be worth their multipliers ([`Subject::candidates`]) the cost model makes a [`Point`] each, and [`Exploration`]
//! finds those that no other beats: the Pareto front. [`synthesised`] adds what an engine takes and how fast it is in truth.

mod budget;
mod chart;
mod front;
mod kept;
mod network;
mod shard;
mod subject;
mod synthesis;
mod table;

pub use budget::{Budget, BudgetError, Room};
pub use front::{Exploration, Failed, Point};
pub use kept::point;
pub use network::NetworkSubject;
pub use shard::{MergeError, Shard};
pub use subject::{Candidate, Subject};
pub use synthesis::{synthesised, Found, Speed};
