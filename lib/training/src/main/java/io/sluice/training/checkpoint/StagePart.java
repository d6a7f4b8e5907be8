package io.sluice.training.checkpoint;

/**
 * What a pipeline stage tells the rank that assembles checkpoints about its part of one.
 *
 * @param step of the checkpoint
 * @param stage from 1; the assembling rank's own is 0
 * @param isWritten whether the part is there
 * @param text the name of the part's file if it is, else why it is not
 */
public record StagePart(long step, int stage, boolean isWritten, String text) {}
