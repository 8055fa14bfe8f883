/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of abi.h that is about policies: how rules lie in maps. */
#ifndef SALLYPORT_ABI_POLICY_H
#define SALLYPORT_ABI_POLICY_H

#ifndef SALLYPORT_ABI_H
#error "include abi.h, which has the constants"
#endif

/* A set of rules: bit n of word n / 64 is rule n of its table. */
struct row {
	__u64 words[ROW_WORDS];
};

/*
 * Interval i holds the ports start[i] .. start[i + 1] - 1; start[0] is 0. Unused ones at the end
 * have start 0xffff and the row of the last used one, so that a search needs no count. Rows count
 * from policy.first_row.
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
	/* SHA-256 of what was compiled, by which an agent that restarts knows what it need not write again. */
	__u8 digest[32];
	/* What this policy owns of `rows` and `rule_hits`. */
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

/* Key of `services`: a cluster address and a port of a Service (S-9a). */
struct service_key {
	__be32 address[4];
	__u16 port;
	__u8 protocol;
	__u8 family;
};
_Static_assert(sizeof(struct service_key) == 20, "no hidden padding");

/* The pod that a Service stands for: its identity, and the port that it serves on. */
struct service {
	__u32 identity;
	__u16 target_port;
	__u16 pad;
};

/* Stands for a combination of address sets. */
struct combination_key {
	__u8 digest[16];
};

struct identity_key {
	__u32 slot;
	__u32 identity;
};

struct identity_rows {
	/* [direction][family] */
	__u16 row[DIRECTIONS][FAMILIES];
};

#endif
