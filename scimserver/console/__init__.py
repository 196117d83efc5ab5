"""Pages for people: rendered here, working without a script, under a policy that allows none."""
