/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel programs and user space: keys, values and constants of every map.
 * datapath/agent/abi.generated.ts is made from these definitions; nothing else may repeat them.
 * Addresses are in network byte order, IPv4 in word 0 with the others zero; all other integers in host order.
 */
#ifndef SALLYPORT_ABI_H
#define SALLYPORT_ABI_H

#include <linux/types.h>

enum limit {
	RULES_PER_TABLE = 1024,
	ROW_WORDS = RULES_PER_TABLE / 64,
	/* Every range has two ends, and the space below the first is one more: enough for the 1,000 rules of S-15. */
	PORT_INTERVALS = 2048,
	POLICY_SLOTS = 1024,
	ENDPOINT_PROBES = 4,
	ENDPOINT_ADDRESSES = 4,
	SWEEP_BATCH = 4096,
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
};

/* Bits 32 and up of endpoint.policy. */
enum policy_flag {
	/* Absent: the endpoint is closed (`not-programmed`). */
	POLICY_PROGRAMMED = 1,
	POLICY_GROUP = 2,
	POLICY_ACL = 4,
	POLICY_CHECK_SOURCE = 8,
	/* S-40a, until endpoint.adopt_until. */
	POLICY_ADOPT = 16,
};

/*
 * One pod's interface, in the array `endpoints` at ((ifindex + probe) & endpoint_mask), probe 0..3. Lines of 64
 * bytes, so that what packets write shares no line with what they only read.
 * Example: ifindex 7, id 0x00030007 = third endpoint to live in slot 7.
 */
struct endpoint {
	/* One aligned store switches all of it: rules slot (bits 0-15), ACL slot (16-31), policy_flag (32-47). */
	__u64 policy;
	/* 0: the slot is free. */
	__u32 ifindex;
	/* Array index in bits 0-15, count of its reuse above: no two endpoints share one while entries can live. */
	__u32 id;
	__be32 ipv4[ENDPOINT_ADDRESSES];
	/* 0: no address. A serial is not given again to another address of the node before it wraps. */
	__u16 ipv4_serial[ENDPOINT_ADDRESSES];
	__u16 ipv6_serial[ENDPOINT_ADDRESSES];
	/* Index in `endpoint_counters`. */
	__u32 counters;
	__u32 conntrack_max;
	/* Clock ticks; see policy_flag. */
	__u32 adopt_until;
	__u32 pad0;

	__be32 ipv6[ENDPOINT_ADDRESSES][4];

	/* Idle timeouts in clock ticks, by connection_state. */
	__u32 timeouts[STATES];
	/* First 16 bytes of the pod's uid, for an agent that adopts the table. */
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
 * Key of `connections` and `exemptions`, from the endpoint's view: both directions meet one entry (S-31).
 * An echo has its identifier in the requester's port and 0 in the other. Other protocols have no ports (S-32).
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
_Static_assert(sizeof(struct connection_key) == 28, "jhash2 needs whole words, memory wants few");

enum connection_kind {
	KIND_IPV6 = 1,
	/* An echo that the remote requested; an identifier of 0 would not tell (S-31). */
	KIND_REMOTE_REQUEST = 2,
};

/*
 * `word` is changed by compare-and-swap only, since the kernel reuses a deleted element at once:
 * seen (bits 0-31, ticks), connection_state (32-39), connection_flag (40-47), generation (48-63).
 */
struct connection {
	__u64 word;
};

/* A set of rules: bit n of word n / 64 is rule n of its table. */
struct row {
	__u64 words[ROW_WORDS];
};

/*
 * Interval i holds the ports start[i] .. start[i + 1] - 1; start[0] is 0. Unused ones at the end have start 0xffff and
 * the row of the last used one, so that a search needs no count. Rows count from policy.first_row.
 */
struct intervals {
	__u16 start[PORT_INTERVALS];
	__u16 row[PORT_INTERVALS];
};

/* The rules of one direction and family. */
struct table {
	/* Words of a row that are in use. */
	__u32 words;
	/* Index in `rule_hits` of rule 0. */
	__u32 first_hit;
	/* Rules whose peer is 0.0.0.0/0 or ::/0: where no longer prefix matches. */
	__u16 any_row;
	__u16 has_prefixes;
	__u16 has_identities;
	__u16 pad;
	struct intervals tcp;
	struct intervals udp;
	/* "Port" is type << 8 | code. */
	struct intervals icmp;
	/* All other protocols, by number. */
	__u16 protocol_row[256];
	/* ACLs: rules that allow. The lowest rule that matches decides (S-80). */
	struct row allow;
};

/* One bit for each port of one protocol (0 tcp, 1 udp). */
struct port_bits {
	__u8 tcp[8192];
	__u8 udp[8192];
};

/* Value of the inner maps of `policies`: one rule set (with one set of tracked local ports) or one ACL. */
struct policy {
	/* U_in by local port and U_out by remote port (S-56), by family. */
	struct port_bits untracked_in[FAMILIES];
	struct port_bits untracked_out[FAMILIES];
	/* Local ports on which everything is tracked (S-60). */
	struct port_bits tracked_local;
	/* What this policy owns of `rows` and `rule_hits`: an agent that restarts must not give it away. */
	__u32 first_row;
	__u32 row_count;
	__u32 first_hit;
	__u32 hit_count;
	/* [direction][family] */
	struct table tables[DIRECTIONS][FAMILIES];
};

/* Key of the inner maps of `prefixes`; prefixlen counts the 32 bits of `family`. */
struct prefix_key {
	__u32 prefixlen;
	__be32 family;
	__be32 address[4];
};

/* Rows of all the prefixes that cover this one, itself included, by direction. */
struct prefix_rows {
	__u16 row[DIRECTIONS];
};

struct identity_key {
	__u32 slot;
	__u32 identity;
};

struct identity_rows {
	/* [direction][family] */
	__u16 row[DIRECTIONS][FAMILIES];
};

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

/* Argument of the program `collect`: the first `count` keys of `sweep_keys`. */
struct collect_args {
	__u32 count;
	__u32 removed;
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
	enum config_flag config_flag;
	enum role role;
	struct policy policy;
	struct prefix_key prefix_key;
	struct prefix_rows prefix_rows;
	struct verdict_event verdict_event;
	struct collect_args collect_args;
	struct clock_args clock_args;
};

#endif
