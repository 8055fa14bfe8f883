/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of abi.h that is about what packets leave behind of an endpoint, beside its connections. */
#ifndef SALLYPORT_ABI_RECORDS_H
#define SALLYPORT_ABI_RECORDS_H

#ifndef SALLYPORT_ABI_H
#error "include abi.h, which has the constants"
#endif

/* A token bucket of one endpoint (rates.h). A packet costs (units * cost) >> cost_shift. */
struct bucket {
	/* Written by packets alone. In the past: the bucket is full. */
	__u64 full_at;
	/* Time that filling a whole bucket takes. */
	__u64 depth;
	__u64 cost;
	/* NO_LIMIT: there is no bucket. */
	__u32 cost_shift;
	__u32 pad;
};

enum bucket_limit {
	NO_LIMIT = 0,
};

/*
 * Value of `rates`. Bandwidth counts bytes in each direction, packets both directions together, link_local what
 * leaves for link-local services and DNS (section 5 of the contract).
 * Example at 250 Hz: 1,000 packets a second with a burst of 10 are cost_shift 8, cost 2^26 * 2^8, depth 10 * 2^26.
 */
struct rates {
	struct bucket bandwidth[DIRECTIONS];
	struct bucket packets;
	struct bucket link_local;
};
_Static_assert(sizeof(struct rates) == 2 * 64, "an endpoint's buckets are two cache lines");

/* What became of a datagram's first fragment (S-41). */
struct fragment {
	/* Of the first fragment, with its ports. */
	struct connection_key key;
	/* Identification field. */
	__u32 id;
	/* endpoint.policy under which it was decided: under another one later fragments are judged again. */
	__u64 policy;
	/* Ticks. */
	__u32 seen;
	/* As every fragment of the datagram names it. */
	__u8 protocol;
	__u8 direction;
	__u8 reason;
	__u8 tracking;
	/* Of the first fragment's transport header, beside the ports in its key. */
	__u16 icmp_type_code;
	__u8 tcp_flags;
	/* fragment_entry */
	__u8 entry;
	__u32 pad;
};
_Static_assert(sizeof(struct fragment) == 56, "no hidden padding");

/* Which table has the entry that a first fragment made or passed by. */
enum fragment_entry {
	ENTRY_NONE = 0,
	ENTRY_CONNECTION,
	ENTRY_EXEMPTION,
};

/* Value of `fragments`. */
struct fragment_table {
	struct bpf_spin_lock lock;
	/* Count of records made; the next one goes to next % FRAGMENTS_PER_ENDPOINT. */
	__u32 next;
	struct fragment records[FRAGMENTS_PER_ENDPOINT];
};

#endif
