/**
 * What a training run needs to go on as if it had never stopped, on the lake.
 *
 * <p>Main types: {@link io.sluice.training.checkpoint.CheckpointStore} writes one file a checkpoint
 * and finds the newest that is whole; {@link io.sluice.training.checkpoint.Checkpoint} is its
 * content: parameters, optimizer state, the best parameters so far, the position in the run and the
 * settings that must be the same on resumption.
 *
 * <p>Depends on Hadoop's file system and Jackson; knows no ND4J: parameters are float arrays.
 *
 * <p>The decision worth knowing: a checkpoint is ONE file, written under another name and renamed.
 * It is there whole or not at all on every file system whose rename of a file is atomic, and on
 * object stores too, where a folder of files has no such moment. Its last 32 bytes are the SHA-256
 * of all before, so truncation and rot are found before a number is used. Nothing in it is
 * Java-serialised. The format is in {@code data-schemas/checkpoint.v2.json}.
 *
 * <p>Where the parameters lie on P ranks, it is still that one file, byte for byte: any strategy
 * resumes from it. Each later pipeline stage writes its part beside it, a hidden file of the same
 * format; the first stage then copies them, interleaved, into the checkpoint through one buffer,
 * verifying each part's own hash, before the rename. {@code StageParts} is where it hears of them.
 * A part is for one assembling: the first stage removes the parts of a step when that step is
 * written or given up, and with them any of earlier steps that a killed rank left; never those of
 * later steps, which a stage that is ahead may be writing. The driver removes all before a run
 * starts.
 *
 * <p>Considered: sending the parts over the network to the first stage, or through the driver. That
 * writes every number once instead of twice, but the stream shares links and buffers with the
 * activations of the steps under way, needs flow control and a protocol of its own where a file
 * system has both, and the driver's link would carry the whole model at every checkpoint.
 *
 * <p>Considered: DL4J's {@code ModelSerializer} zip. It holds parameters and updater state, but
 * neither the best model nor the position, has no checksum, and its reader interprets JSON from the
 * file before any check.
 */
package io.sluice.training.checkpoint;
