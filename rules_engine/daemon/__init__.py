"""The running engine: wiring, reload, supervision, control socket."""
