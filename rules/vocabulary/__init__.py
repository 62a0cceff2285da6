"""What functions do, known to all rules: locks, guest memory, SEAMCALLs, kernel-wide words."""
