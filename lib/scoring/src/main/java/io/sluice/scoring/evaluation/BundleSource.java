package io.sluice.scoring.evaluation;

import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.PredictionInterval;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowEncoder;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** A dataset folder and a model bundle. */
final class BundleSource implements WindowSource {
  private final SequenceDataset dataset;
  private final String bundleUri;
  private final Configuration hadoop;
  private final int batchSize;
  private final double interval;
  private final DeviceChoice choice;

  /** Opens both by their URIs, in whatever process it lands in. */
  record FromLake(
      String datasetUri, String bundleUri, int batchSize, double interval, DeviceChoice choice)
      implements Opener {
    @Override
    public WindowSource open(Configuration hadoop) {
      return new BundleSource(this, hadoop);
    }
  }

  private BundleSource(FromLake uris, Configuration hadoop) {
    this.dataset = SequenceDataset.open(uris.datasetUri(), hadoop);
    this.bundleUri = uris.bundleUri();
    this.hadoop = hadoop;
    this.batchSize = uris.batchSize();
    this.interval = uris.interval();
    this.choice = uris.choice();
  }

  @Override
  public SequenceManifest manifest() {
    return dataset.manifest();
  }

  @Override
  public Iterator<Segment> segments(Part part) {
    return dataset.segments(part);
  }

  @Override
  public WindowModel model() {
    return new BundleModel(
        ModelBundle.open(bundleUri, hadoop), batchSize, interval, TaskDevice.of(choice));
  }

  /** Cuts the windows with the bundle's own scalers and runs its network. */
  private static final class BundleModel implements WindowModel {
    private final Predictor predictor;
    private final WindowEncoder encoder;
    private final WindowBatch batch;
    private final double interval;
    private final TaskDevice own;

    BundleModel(ModelBundle bundle, int batchSize, double interval, TaskDevice own) {
      this.own = own;
      own.device().complaint().ifPresent(Kernels::warnOnce);
      this.predictor = bundle.newPredictor().on(own.device());
      this.encoder = new WindowEncoder(bundle.contract());
      this.batch = encoder.newBatch(batchSize);
      this.interval = interval;
    }

    @Override
    public Output predict(List<Window> windows) {
      encoder.begin(batch, windows.size());
      for (int b = 0; b < windows.size(); b++) {
        encoder.encode(windows.get(b).segment(), windows.get(b).origin(), batch, b);
      }
      Predictions predictions = predictor.predict(batch);
      if (!predictions.classes().isEmpty()) {
        return new Output(List.of(), null, null, null, null, predictions.probabilities());
      }
      Optional<PredictionInterval> band = predictor.interval(predictions, interval);
      boolean hasQuantiles = !predictions.quantiles().isEmpty();
      return new Output(
          predictions.quantiles(),
          points(predictions),
          hasQuantiles ? predictions.original() : null,
          band.map(PredictionInterval::lower).orElse(null),
          band.map(PredictionInterval::upper).orElse(null),
          null);
    }

    @Override
    public void close() {
      predictor.close();
      own.close();
    }

    private static float[] points(Predictions predictions) {
      int Q = predictions.valuesPerTarget();
      if (Q == 1) {
        return predictions.original();
      }
      var points = new float[predictions.original().length / Q];
      for (int i = 0; i < points.length; i++) {
        points[i] = predictions.original()[i * Q + predictions.pointIndex()];
      }
      return points;
    }
  }
}
