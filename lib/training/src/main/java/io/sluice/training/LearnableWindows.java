package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.LayerTransfer;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.EventScores;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.training.loop.DatasetSource;
import io.sluice.training.loop.WindowsSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Windows of series: a telemetry dataset. */
record LearnableWindows(SequenceManifest manifest, String uri, WindowsSource source)
    implements Learnable {
  private static final Logger LOG = LoggerFactory.getLogger(LearnableWindows.class);

  /** Opens a dataset folder. */
  static LearnableWindows open(TrainSettings settings, ModelSettings model, Configuration hadoop) {
    SequenceDataset dataset = SequenceDataset.open(settings.datasetPath(), hadoop).requireAudit();
    boolean everyStep = model.output() == ModelSpec.Output.SEQUENCE;
    var source = new DatasetSource(dataset.uri(), everyStep, settings.maxTrainWindows());
    return new LearnableWindows(dataset.manifest(), dataset.uri(), source);
  }

  @Override
  public String examples() {
    return "windows";
  }

  @Override
  public long count(Split split) {
    SequenceManifest.SplitSummary summary = manifest.splits().get(split.label());
    return summary == null ? 0 : summary.windows();
  }

  @Override
  public long countOfEpoch(Configuration hadoop) {
    return source.open(hadoop).count(Split.TRAIN);
  }

  @Override
  public ModelSpec spec(ModelSettings model) {
    WindowContract contract = manifest.contract();
    return model.toSpec(
        contract.inputSize(),
        contract.lookBack(),
        contract.targetSize(),
        contract.target().classes().size());
  }

  @Override
  public String fingerprint() {
    return Fingerprint.of(
        manifest.parts().stream()
            .sorted(Comparator.comparing(SequenceManifest.Part::path))
            .map(part -> part.path() + " " + part.contentHash()),
        manifest.contract());
  }

  @Override
  public void requireTrainable() {
    if (!manifest.layout().equals("segments")) {
      throw new InvalidInputException(
          "Cannot train on %s: its layout is %s, training reads segments. Rebuild with build-sequences and dataset.layout = segments."
              .formatted(uri, manifest.layout()));
    }
    for (Split split : new Split[] {Split.TRAIN, Split.VALIDATION}) {
      if (count(split) == 0) {
        throw new InvalidInputException(
            "Cannot train on %s: its %s split has no window. Give split.%s a larger share, or shorten window.look-back or window.horizon, and rebuild with build-sequences."
                .formatted(uri, split.label(), split.label()));
      }
    }
  }

  @Override
  public void requireFit(TrainSettings settings) {
    var problems = new ArrayList<String>();
    settings
        .wordVectors()
        .ifPresent(
            file ->
                problems.add(
                    "train.word-vectors: must be null, because inputs are numbers and no words, but is \"%s\""
                        .formatted(file)));
    WindowContract.Target target = manifest.contract().target();
    if (target.classes().size() != 2) {
      settings
          .maxFalseAlarmRate()
          .ifPresent(
              rate ->
                  problems.add(
                      "train.max-false-alarm-rate: must be null, because an alarm is one of two classes and the target is %s, but is %s"
                          .formatted(
                              target.classes().isEmpty()
                                  ? ConfigReader.kebab(target.type())
                                  : "one of %,d".formatted(target.classes().size()),
                              rate)));
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigException("for a dataset of windows", problems);
    }
  }

  @Override
  public void prepare(MultiLayerNetwork network, TrainSettings settings, Configuration hadoop) {
    // windows bring nothing that a network begins with
  }

  @Override
  public LayerTransfer.Meaning meaning(ModelBundle bundle) {
    WindowContract theirs = bundle.contract();
    String reads = reads(manifest.contract());
    String predicts = predicts(manifest.contract());
    return new LayerTransfer.Meaning(
        null,
        reads.equals(reads(theirs))
            ? null
            : "it reads %s, the bundle %s".formatted(reads, reads(theirs)),
        predicts.equals(predicts(theirs))
            ? null
            : "it predicts %s, the bundle %s".formatted(predicts, predicts(theirs)));
  }

  /** Inputs of a time step, in the order of the network's. */
  private static String reads(WindowContract contract) {
    return contract.inputs()
        + (contract.masks() ? " with masks" : "")
        + (contract.timeSinceLast() ? " with ages" : "")
        + (contract.calendar().isEmpty() ? "" : " and " + contract.calendar())
        + (contract.knownFuture().isEmpty() ? "" : " and the future of " + contract.knownFuture());
  }

  /** What the outputs stand for, in their order. */
  private static String predicts(WindowContract contract) {
    WindowContract.Target target = contract.target();
    return switch (target.type()) {
      case FORECAST -> "%d steps of %s".formatted(contract.horizon(), target.channels());
      case CLASS -> "a class of %s".formatted(target.classes());
      case EVENT -> "an event within %d steps".formatted(target.leadSteps());
      case REMAINING_LIFE -> "a life of up to %d steps".formatted(target.cap());
    };
  }

  @Override
  public BundleContents contents(
      MultiLayerNetwork network,
      ModelSpec spec,
      TrainSettings settings,
      Map<String, Double> metrics,
      Provenance provenance,
      Configuration hadoop) {
    var validation = new ValidationPredictions(network, spec, source.open(hadoop));
    if (spec.head().kind() == Head.Kind.REGRESSION) {
      return new BundleContents(spec, manifest, metrics, validation.residuals(), provenance);
    }
    var contents = new BundleContents(spec, manifest, metrics, Optional.empty(), provenance);
    return manifest.contract().target().classes().size() == 2
        ? contents.with(alarm(validation.eventScores(), settings.maxFalseAlarmRate()))
        : contents;
  }

  /** Chosen on the validation windows, and told. */
  private static Optional<AlarmThreshold> alarm(EventScores scores, Optional<Double> mostFalse) {
    Optional<AlarmThreshold> alarm = AlarmThreshold.choose(scores, mostFalse);
    if (alarm.isEmpty()) {
      LOG.warn(
          "No alarm threshold: {} of the {} validation windows have the event, and choosing one needs windows with it and without. score takes the likelier class; set score.threshold, or widen split.validation and rebuild.",
          scores.events(),
          scores.events() + scores.others());
    } else if (alarm.get().raisesNone()) {
      LOG.warn(
          "The model raises no alarm: no threshold finds an event of the {} validation windows and keeps false alarms within train.max-false-alarm-rate ({}). Raise it, or look at the ROC curve that evaluate draws.",
          alarm.get().windows(),
          mostFalse.orElseThrow());
    } else {
      LOG.info(
          "alarm: from a probability of {} on, {}",
          String.format(Locale.ROOT, "%.4g", alarm.get().value()),
          alarm.get().told());
    }
    return alarm;
  }
}
