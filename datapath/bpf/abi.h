/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel programs and user space: keys, values and constants of every map.
 * datapath/agent/abi.generated.ts is made from these definitions; nothing else may repeat them.
 * Addresses are in network byte order, IPv4 in word 0 with the others zero; all other integers in
 * host order.
 */
#ifndef SALLYPORT_ABI_H
#define SALLYPORT_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

enum limit {
	RULES_PER_TABLE = 1024,
	ROW_WORDS = RULES_PER_TABLE / 64,
	/* Every range has two ends, and the space below the first is one more: enough for the 1,000 rules of S-15. */
	INTERVAL_BITS = 11,
	PORT_INTERVALS = 1 << INTERVAL_BITS,
	POLICY_SLOTS = 1024,
	ENDPOINT_PROBES = 4,
	ENDPOINT_ADDRESSES = 4,
	/* Of `connections`: entries of a bucket, two cache lines together, and buckets that an entry may lie in. */
	BUCKET_SLOTS = 3,
	BUCKET_PROBES = 16,
	/* A power of two. */
	FRAGMENTS_PER_ENDPOINT = 64,
	/* Buckets count in 2^-28 of a tick of their clock: 15 ps at 250 Hz, and 64 bits last for eight years. */
	BUCKET_SHIFT = 28,
	ROLE_FILTER_BITS = 10,
	ROLE_FILTER_FACTOR = 0x61c88647,
	/* In verdict_event.rule. */
	NO_RULE = 0xffff,
};

enum direction {
	DIRECTION_INGRESS = 0,
	DIRECTION_EGRESS = 1,
	DIRECTIONS = 2,
};

enum family {
	FAMILY_IPV4 = 0,
	FAMILY_IPV6 = 1,
	FAMILIES = 2,
};

/* semantics/verdict.ts has the same list in the same order; a test compares them. */
enum reason {
	REASON_RULE = 0,
	REASON_CONNECTION,
	REASON_RELATED,
	REASON_UNTRACKED,
	REASON_EXEMPT,
	REASON_UNFILTERED,
	REASON_NO_RULE,
	REASON_ACL_DENY,
	REASON_CONNTRACK_ALLOWANCE,
	REASON_TABLE_FULL,
	REASON_BANDWIDTH_ALLOWANCE,
	REASON_PACKET_ALLOWANCE,
	REASON_LINKLOCAL_ALLOWANCE,
	REASON_FRAGMENT,
	REASON_MALFORMED,
	REASON_SPOOFED,
	REASON_NOT_PROGRAMMED,
	REASONS,
};

enum tracking {
	TRACKING_NONE = 0,
	TRACKING_TRACKED,
	TRACKING_UNTRACKED,
};

enum connection_state {
	/* The entry is being deleted by the one that put it into this state. */
	STATE_CLAIMED = 0,
	STATE_OPENING,
	STATE_ESTABLISHED,
	STATE_CLOSING,
	STATE_DATAGRAM,
	STATE_STREAM,
	STATE_ECHO,
	STATE_GENERIC,
	STATES,
};

_Static_assert((STATES & (STATES - 1)) == 0, "a state is masked before it indexes");

enum connection_flag {
	/* The packet that made the entry left the endpoint. */
	CONNECTION_ORIGIN_EGRESS = 1,
	CONNECTION_SYN_ACK = 2,
	CONNECTION_FIN_INGRESS = 4,
	CONNECTION_FIN_EGRESS = 8,
	/* Made by a packet other than a SYN (S-40). */
	CONNECTION_MIDSTREAM = 16,
	/* UDP: the second turn was seen (S-36). */
	CONNECTION_RESPONDED = 32,
	/* Whoever made the entry still looks whether another CPU made the same one (table.h). */
	CONNECTION_UNSETTLED = 64,
};

/* Bits 32-47 of endpoint.policy. */
enum policy_flag {
	/* Absent: the endpoint is closed (`not-programmed`). */
	POLICY_PROGRAMMED = 1,
	POLICY_GROUP = 2,
	POLICY_ACL = 4,
	POLICY_CHECK_SOURCE = 8,
	/* S-40a, until endpoint.adopt_until. */
	POLICY_ADOPT = 16,
	/* Some bucket of `rates` has a limit. */
	POLICY_RATES = 32,
	/* The pod is gone: its entries are dead, and the slot may be freed. */
	POLICY_GONE = 64,
};

/*
 * One pod's interface, in the array `endpoints` at ((ifindex + probe) & endpoint_mask), probe 0..3. Lines of 64
 * bytes, so that what packets write shares no line with what they only read.
 * Example: ifindex 7, id 0x00030007 = third endpoint to live in slot 7.
 */
struct endpoint {
	/*
	 * One aligned store switches all of it: rules slot (bits 0-15), ACL slot (16-31),
	 * policy_flag (32-47), and a count of its changes (48-63), by which what was decided under
	 * another policy is known.
	 */
	__u64 policy;
	/* 0: the slot is free. */
	__u32 ifindex;
	/* Array index in bits 0-15, count of its reuse above: no two endpoints share one while entries can live. */
	__u32 id;
	__be32 ipv4[ENDPOINT_ADDRESSES];
	/* 0: no address. A serial is not given again to another address of the node before it wraps. */
	__u16 ipv4_serial[ENDPOINT_ADDRESSES];
	__u16 ipv6_serial[ENDPOINT_ADDRESSES];
	/* Index in `endpoint_counters`, `rates` and `fragments`. */
	__u32 counters;
	__u32 conntrack_max;
	/* Clock ticks; see policy_flag. */
	__u32 adopt_until;
	__u32 pad0;

	__be32 ipv6[ENDPOINT_ADDRESSES][4];

	/* Idle timeouts in clock ticks, by connection_state. */
	__u32 timeouts[STATES];
	/* SHA-256 of the pod's uid, for an agent that adopts the table. */
	__u8 uid[32];

	/* Entries of this endpoint in `connections`, expired and not yet removed ones included. */
	__u32 used;
	__u32 pad1;
	__u64 conntrack_allowance_exceeded;
	__u64 conntrack_table_full;
	__u64 bw_in_allowance_exceeded;
	__u64 bw_out_allowance_exceeded;
	__u64 pps_allowance_exceeded;
	__u64 linklocal_allowance_exceeded;
	__u64 pad2;
};
_Static_assert(sizeof(struct endpoint) == 4 * 64, "an endpoint is four cache lines");

enum config_flag {
	/* Write every verdict to the ring `verdicts`. */
	CONFIG_VERDICTS = 1,
};

struct config {
	/* The standing clock in ticks (only where `standing_clock` is set). */
	__u64 clock;
	__u32 flags;
	/* Slot of `prefixes` that holds the automatically tracked remotes (S-60); 0: none. */
	__u32 tracking_slot;
	/* Random numbers of this node, so that nobody can tell which flows share a bucket of `connections`. */
	__u32 hash_key[8];
	/* A bit for each node address, by its words xor-ed, times the factor, and the highest bits of that. */
	__u64 role_filter[(1 << ROLE_FILTER_BITS) / 64];
	/* Ticks at which the agent was last seen alive (unattended.h). */
	__u32 heartbeat;
	__u32 pad;
};

/* Key of `identities` and `roles`. */
struct address_key {
	__be32 address[4];
	__u32 family;
};

enum role {
	ROLE_NODE = 1,
	ROLE_DNS = 2,
};

/*
 * Key of `connections` and `exemptions`, from the endpoint's view: both directions meet one entry
 * (S-31). An echo has its identifier in the requester's port and 0 in the other. Other protocols
 * have no ports (S-32).
 */
struct connection_key {
	__be32 remote[4];
	__u32 endpoint;
	__u16 local_port;
	__u16 remote_port;
	/* Serial of the local address: which one it is, and that it belongs to the endpoint. */
	__u16 serial;
	__u8 protocol;
	/* connection_kind */
	__u8 kind;
};
_Static_assert(sizeof(struct connection_key) == 28, "three of them and their words are a bucket");

enum connection_kind {
	KIND_IPV6 = 1,
	/* An echo that the remote requested; an identifier of 0 would not tell (S-31). */
	KIND_REMOTE_REQUEST = 2,
};

/*
 * The state of a flow, in `connections` and `exemptions`, is one word that is changed by compare-and-swap only, since
 * its place may be another flow's at any time: seen (bits 0-31, ticks), connection_state (32-39), connection_flag
 * (40-47), generation (48-63, never 0).
 */
struct exempt_entry {
	__u64 word;
};

struct connection_slot {
	struct connection_key key;
	/* How many buckets on the entry's way were full when it was made. */
	__u32 probe;
};

/* Value of `connections`. Words come first, so that a search for what is not there touches one cache line. */
struct connection_bucket {
	/* 0: the slot is free. */
	__u64 word[BUCKET_SLOTS];
	/* Entries that lie further on because this bucket was full: a search ends where there are none. */
	__u32 passed;
	__u32 pad;
	struct connection_slot slot[BUCKET_SLOTS];
};
_Static_assert(sizeof(struct connection_bucket) == 2 * 64, "a bucket is two cache lines");

/* Value of `connection_count`, in a line of its own. */
struct connection_count {
	/* Entries in `connections`, of all endpoints. */
	__u32 used;
	__u32 pad[15];
};

#include "abi_policy.h"
#include "abi_records.h"

struct endpoint_counters {
	__u64 packets[DIRECTIONS][REASONS];
	/* [direction][passed] */
	__u64 bytes[DIRECTIONS][2];
};

/* Record of the ring `verdicts`. */
struct verdict_event {
	__u32 endpoint;
	__u8 direction;
	__u8 reason;
	__u8 tracking;
	__u8 family;
	/* In its table; NO_RULE where none decided. */
	__u16 rule;
	__u16 slot;
};

/* Value of `sweepers`. */
struct sweeper {
	struct bpf_timer timer;
};

/* Argument of the program `sweep`: buckets `first` up to `first` + `count`. */
struct sweep_args {
	__u32 first;
	__u32 count;
	__u32 removed;
};

/* Argument of the program `adopt_connection`: an entry that another agent's table had. */
struct adopt_args {
	struct connection_key key;
	/* Whether it is in the table now, and was not before. */
	__u32 adopted;
	__u64 word;
};

/* What the program `list_connections` writes of each entry. */
struct connection_row {
	struct connection_key key;
	__u32 pad;
	__u64 word;
};

/* Argument of the program `read_clock`; ticks. */
struct clock_args {
	__u32 now;
	__u32 pad;
};

/* Never made: clang leaves out of the BTF what only constants or inner maps name, and user space reads it there. */
union abi_types {
	enum limit limit;
	enum direction direction;
	enum family family;
	enum reason reason;
	enum tracking tracking;
	enum connection_state connection_state;
	enum connection_flag connection_flag;
	enum connection_kind connection_kind;
	enum policy_flag policy_flag;
	enum bucket_limit bucket_limit;
	enum fragment_entry fragment_entry;
	enum config_flag config_flag;
	enum role role;
	struct policy policy;
	struct prefix_key prefix_key;
	struct prefix_rows prefix_rows;
	struct verdict_event verdict_event;
	struct sweep_args sweep_args;
	struct adopt_args adopt_args;
	struct connection_row connection_row;
	struct clock_args clock_args;
};

#endif
