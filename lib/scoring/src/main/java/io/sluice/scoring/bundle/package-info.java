/**
 * A model as it is published: the network, the contract of its windows, hashes and provenance in
 * one folder that predicts wherever a JVM runs.
 *
 * <p>Main types: {@link io.sluice.scoring.bundle.ModelBundle} opens a bundle and hands out {@link
 * io.sluice.scoring.bundle.Predictor}s of windows, {@link
 * io.sluice.scoring.bundle.DocumentPredictor}s and, of language models, {@link
 * io.sluice.scoring.bundle.StreamPredictor}s; {@link io.sluice.scoring.bundle.BundlePublisher} puts
 * one into a registry, {@link io.sluice.scoring.bundle.ModelRegistry} finds it there. Depends on
 * {@code sequences.dataset}, {@code recurrent.model}, DL4J and Hadoop's file system; no Spark and
 * no Scala, so a service can score with the class path of {@code lib/scoring} alone.
 *
 * <p>The decision worth knowing: the manifest holds the hash of every other file and the bundle's
 * hash is the manifest's, so one value in a predictions table names the model to the last weight.
 */
package io.sluice.scoring.bundle;
