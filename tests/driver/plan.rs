//! Promise: a blob has the jobs of `bpa run-network`: the same words, written in the same order, and the same weights.

use bpa_engine::driver::{Device, DeviceError, Driver, Input};
use bpa_engine::network::{reference, run};
use bpa_hdl::shell::programmable::Programmable;

use crate::networks::NETWORK;
use crate::rig::Rig;

/// An engine that takes everything at once and gives zeros. What jobs are does not depend on what comes out of them.
struct Recorder<'a> {
    hardware: &'a Programmable,
    /// Words of the table since the latest start.
    words: Vec<(u32, u32)>,
    /// Those of each job.
    jobs: Vec<Vec<(u32, u32)>>,
    weights: Vec<Vec<u8>>,
}

impl Device for Recorder<'_> {
    fn read(&mut self, offset: u64) -> Result<Option<u32>, DeviceError> {
        let register = self.hardware.map.at(offset);
        Ok(Some(match register.is_constant() {
            true => register.value(),
            false => 0,
        }))
    }

    fn write(&mut self, offset: u64, value: u32) -> Result<bool, DeviceError> {
        let map = &self.hardware.map;
        if map.table().any(|(register, _)| register.offset == offset) {
            self.words.push((offset as u32, value));
        } else if offset == map.named("command").offset {
            self.jobs.push(std::mem::take(&mut self.words));
        }
        Ok(true)
    }

    fn send(&mut self, input: Input, packet: &[u8]) -> Result<(), DeviceError> {
        if input == Input::Weight {
            self.weights.push(packet.to_owned());
        }
        Ok(())
    }

    fn receive(&mut self, bytes: usize) -> Result<Vec<u8>, DeviceError> {
        Ok(vec![0; bytes])
    }
}

#[test]
fn jobs_are_those_of_run_network() {
    for rig in [Rig::accumulates(), Rig::adds()] {
        let compiled = rig.compile(NETWORK, 5);
        let hardware = rig.hardware();
        let device = Recorder {
            hardware: &hardware,
            words: Vec::new(),
            jobs: Vec::new(),
            weights: Vec::new(),
        };
        let mut driver = Driver::open(&rig.engine, &hardware, device).unwrap();
        let expected = reference(&compiled.network, &compiled.arrays);
        run(&compiled.network, &mut driver, &compiled.arrays, &expected).unwrap();
        let recorded = driver.device();
        let jobs = compiled.program.jobs;
        assert_eq!(recorded.jobs.len(), jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let words: Vec<_> = (job.words.iter())
                .map(|word| (word.offset, word.value))
                .collect();
            assert_eq!(recorded.jobs[index], words, "words of job {index}");
            assert!(
                recorded.weights[index] == job.weights,
                "weights of job {index}"
            );
        }
    }
}
