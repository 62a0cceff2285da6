"""nak: review of Linux KVM/TDX patch series before a maintainer has to."""

__version__ = "0.1.0"
