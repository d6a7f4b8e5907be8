package io.sluice.scoring.bundle;

/**
 * A bundle that is in its place.
 *
 * @param uri its folder
 * @param version its number in the registry
 * @param hash SHA-256 of its manifest, which holds the hash of every other file
 */
public record PublishedBundle(String uri, int version, String hash) {}
