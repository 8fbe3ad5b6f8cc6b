"""The 3D view: one viser server per workspace on a loopback port of its own, reached only through the studio's port."""
