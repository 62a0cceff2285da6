#define inner(x)		\
({				\
	int __r = leaf(x);	\
	__r;			\
})

#define outer(x)		\
({				\
	note(x);		\
	inner(x);		\
})
