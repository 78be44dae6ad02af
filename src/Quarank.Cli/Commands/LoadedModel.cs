using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>A model and its tokenizer, each loaded when it is first asked for and then shared by all that is measured.</summary>
internal sealed class LoadedModel(Terminal terminal, Checkpoint checkpoint, InferenceSettings? settings = null, TokenizerRules rules = TokenizerRules.File)
{
    private Model? _model;
    private Tokenizer? _tokenizer;

    public Checkpoint Checkpoint => checkpoint;

    public Tokenizer Tokenizer => _tokenizer ??= TokenizerOptions.Load(terminal, checkpoint.Directory, rules);

    public Model Model
    {
        get
        {
            if (_model is not null) return _model;
            _model = Model.Load(checkpoint);
            if (settings is not null) _model.Settings = settings;
            InferenceOptions.Warn(terminal, _model);
            return _model;
        }
    }
}
