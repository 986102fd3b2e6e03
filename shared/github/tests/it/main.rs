//! The client over the wire: against the simulator, which keeps real Git repositories, and against single answers
//! that a well-behaved GitHub would not give.

mod app;
mod faults;
mod reads;
mod world;
mod writes;
