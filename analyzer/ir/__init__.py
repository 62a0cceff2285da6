"""The waist of the hourglass: pure values that stand for C, with no parser and no mail in them."""
