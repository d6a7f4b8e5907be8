/**
 * Small files and whole folders in the lake: read, written and swapped so that a reader sees the
 * old state or the new one.
 *
 * <p>Main types: {@link io.sluice.sequences.lake.Lake} reads and writes text at Hadoop URIs and
 * turns I/O failures into messages a user can act on; {@link io.sluice.sequences.lake.StagedFolder}
 * builds a folder aside and publishes it by rename; {@link io.sluice.sequences.lake.PublishLock}
 * keeps a second publisher out.
 *
 * <p>Uses Hadoop's file system; no Spark.
 *
 * <p>The decision worth knowing: local paths go through the raw local file system. Hadoop's default
 * one keeps a checksum file beside each file, and replacing the pair takes two renames; a crash
 * between them leaves a file that can no longer be read.
 */
package io.sluice.sequences.lake;
