static int decode(int reason, struct vcpu *vcpu)
{
	int ret = 0;

	switch (reason) {
	case 0:
		return 1;
	case 1 ... 4:
		small(vcpu);
		fallthrough;
	case EXIT_IO:
		ret = io(vcpu);
		break;
	case EXIT_HLT: {
		int left = vcpu->left;

		if (left)
			break;
		ret = halt(vcpu);
	}
	default:
		unknown(vcpu);
	}
	return ret;
}

static bool in_list(u32 msr)
{
	while (next(msr)) {
		switch (msr) {
		case A:
		case B:
			continue;
		case C:
			break;
		}
		seen(msr);
	}
	return false;
}
