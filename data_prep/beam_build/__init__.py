"""The build as an Apache Beam pipeline, in an environment of its own."""
