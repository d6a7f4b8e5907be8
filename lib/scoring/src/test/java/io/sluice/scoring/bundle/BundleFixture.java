package io.sluice.scoring.bundle;

import io.sluice.config.Provenance;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** A small dataset, a small network with fresh parameters, and the bundle of both. */
record BundleFixture(SequenceManifest dataset, ModelSpec spec, MultiLayerNetwork network) {
  static final Configuration HADOOP = new Configuration();

  static BundleFixture of(TinyDataset tiny, Path folder, Head head, ModelSpec.Output output) {
    NativeThreads.set(1);
    SequenceManifest manifest = SequenceDataset.open(tiny.write(folder), HADOOP).manifest();
    WindowContract contract = manifest.contract();
    var spec =
        new ModelSpec(
            contract.inputSize(),
            contract.lookBack(),
            Cell.LSTM,
            List.of(8),
            false,
            0,
            output,
            List.of(),
            1,
            Precision.F32,
            head);
    return new BundleFixture(
        manifest, spec, Networks.create(spec, OptimizerSpec.constantAdam(0.01), 17));
  }

  /** Two channels, six steps ahead, one number each. */
  static BundleFixture forecast(Path folder) {
    return of(TinyDataset.forecast().days(20), folder, Head.regression(12), ModelSpec.Output.LAST);
  }

  WindowContract contract() {
    return dataset.contract();
  }

  Predictor predictor(ResidualQuantiles residuals) {
    return new Predictor(network, spec, contract(), residuals);
  }

  BundleContents contents(Optional<ResidualQuantiles> residuals) {
    var run =
        new Provenance(
            "20240601T000000000Z-000000000000",
            "0.1.0",
            "ab12",
            Instant.parse("2024-06-01T00:00:00Z"));
    return new BundleContents(spec, dataset, Map.of("validation-loss", 0.25), residuals, run);
  }

  PublishedBundle publish(Path registry, Optional<Integer> version) {
    return BundlePublisher.publish(
        registry.toUri().toString(), "pump", version, network, contents(Optional.empty()), HADOOP);
  }

  /** The first windows of the first test segment. */
  static WindowBatch batch(TinyDataset tiny, int size) {
    Segment segment = tiny.segments(Split.TEST).get(0);
    var encoder = new WindowEncoder(tiny.contract(), true);
    WindowBatch batch = encoder.newBatch(size + 3);
    encoder.begin(batch, size);
    encoder.encodeAll(segment, 0, size, batch, 0);
    return batch;
  }
}
