mod adversary;
mod crash;
mod races;
mod relay;
mod rows;
mod talk;
mod terms;
mod world;
