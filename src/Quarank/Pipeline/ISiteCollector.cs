using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>Gets what a block's input sites read, sequence by sequence.</summary>
internal interface ISiteCollector
{
    /// <summary>Whether this site is gathered.</summary>
    bool Wants(InputSite site);

    /// <summary>Takes what a site's layers read in one sequence (tokens × columns); sequences come in their order.</summary>
    void Add(int sequence, InputSite site, Matrix<float> inputs);
}
